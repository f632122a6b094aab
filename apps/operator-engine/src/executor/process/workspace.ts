import { chmod, lstat, readdir, realpath, rm } from 'node:fs/promises'
import { join, sep } from 'node:path'

const BLOCK_BYTES = 512
/** What a directory entry costs beside its content, so that a million empty files are not free, in bytes. */
const ENTRY_BYTES = 256

/** Space that a tree takes on disk, in bytes; never follows links. What disappears meanwhile counts as nothing. */
export async function measureFolder(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  let bytes = 0
  for (const entry of entries) {
    const path = join(folder, entry.name)
    const stats = await lstat(path).catch(() => null)
    bytes += ENTRY_BYTES + (stats?.blocks ?? 0) * BLOCK_BYTES
    if (entry.isDirectory()) bytes += await measureFolder(path)
  }
  return bytes
}

/**
 * Makes what an algorithm left harmless for the trusted steps that read it on this machine: links that lead out of `folder` are removed
 * (outside the sandbox they would lead to files of the owner), pipes and sockets too (reading one blocks), and what its author made
 * unreadable becomes readable to us. Call it only when nothing of the algorithm runs any more.
 */
export async function tidyOutputs(folder: string): Promise<void> {
  await tidyFolder(folder, await realpath(folder))
}

async function tidyFolder(folder: string, top: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isSymbolicLink()) {
      const target = await realpath(path).catch(() => '')
      if (!target.startsWith(top + sep)) await rm(path)
    } else if (entry.isDirectory()) {
      await openUp(path, 0o700)
      await tidyFolder(path, top)
    } else if (entry.isFile()) {
      await openUp(path, 0o600)
    } else {
      await rm(path)
    }
  }
}

/** Adds permission bits for the owner; a folder or file that the algorithm left without them could not be read or deleted. */
export async function openUp(path: string, bits: number): Promise<void> {
  const { mode } = await lstat(path)
  // Set-id bits of a stranger's file have no business outside the sandbox.
  const wanted = (mode & 0o1777) | bits
  if ((mode & 0o7777) !== wanted) await chmod(path, wanted)
}

/** Deletes everything in a folder, and leaves the folder; not an error when there is none. */
export async function emptyFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  for (const name of names) await deleteTree(join(folder, name))
}

/** Deletes a tree even where folders inside forbid it to their owner; not an error when there is none. */
export async function deleteTree(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOTEMPTY') throw error
    await openFolders(folder)
    await rm(folder, { recursive: true, force: true })
  }
}

async function openFolders(folder: string): Promise<void> {
  await openUp(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await openFolders(join(folder, entry.name))
  }
}
