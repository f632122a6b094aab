import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { canEnter, type ServerIdentity } from './server-identity.ts'

/** Where a server's files live. */
export interface ServerFolders {
  /** Holds the data directory, and a copy of the programs where one is needed. */
  readonly home: string
  readonly dataDir: string
}

/**
 * The folders for the data directory that was asked for. Normally that directory and its parent. Where the server's
 * user cannot enter the parent (root's private home, say), a folder of fixed name below the temporary folder stands in
 * for it, so that the next start finds its data again. Throws where that folder is not safely ours.
 */
export async function placeServerFolders(
  wantedDataDir: string,
  identity: ServerIdentity | undefined,
  onLog?: (line: string) => void,
): Promise<ServerFolders> {
  const dataDir = resolve(wantedDataDir)
  const home = dirname(dataDir)
  await mkdir(home, { recursive: true })
  if (identity === undefined || (await canEnter(identity, home))) return { home, dataDir }

  const name = `c2d-dev-servers-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`
  for (const base of [tmpdir(), '/tmp']) {
    if (!(await canEnter(identity, base))) continue
    const standIn = join(base, name)
    await mkdir(standIn, { recursive: true, mode: 0o711 })
    await assertOurs(standIn)
    await chmod(standIn, 0o711)
    onLog?.(`the server's user cannot enter ${home}; its data is kept in ${standIn}`)
    return { home: standIn, dataDir: join(standIn, basename(dataDir)) }
  }
  throw new Error(`the server's user can enter neither ${home} nor a temporary folder`)
}

/** The name below the temporary folder is predictable, so anyone could have made it first, or made it a link. */
async function assertOurs(folder: string): Promise<void> {
  const entry = await lstat(folder)
  if (!entry.isDirectory() || entry.uid !== process.getuid?.()) throw new Error(`${folder} belongs to someone else`)
}
