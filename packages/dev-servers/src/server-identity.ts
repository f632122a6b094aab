import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The user a server runs as when we are root. */
export interface ServerIdentity {
  readonly uid: number
  readonly gid: number
}

/**
 * The identity for a PostgreSQL server: undefined (ourselves) for an ordinary user; for root, whom PostgreSQL refuses,
 * the `postgres` user where the system has one, else `nobody`. initdb wants an account with a passwd entry, and we
 * never add one. Throws where root has neither.
 */
export async function findServerIdentity(): Promise<ServerIdentity | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const identity = (await lookUp('postgres')) ?? (await lookUp('nobody'))
  if (!identity) throw new Error('PostgreSQL refuses to run as root, and this system has no user postgres or nobody')
  return identity
}

/** Whether that identity can run this command (absolute path) to a zero exit code; tried, since modes are not all. */
export async function canRun(
  identity: ServerIdentity | undefined,
  command: string,
  args: readonly string[],
): Promise<boolean> {
  try {
    await run(command, args, { cwd: '/', env: { LC_ALL: 'C' }, timeout: 10_000, ...identity })
    return true
  } catch {
    return false // "no" is the answer, whatever the reason
  }
}

/** Whether that identity can enter this folder. */
export function canEnter(identity: ServerIdentity | undefined, folder: string): Promise<boolean> {
  return canRun(identity, '/bin/sh', ['-c', 'cd "$1"', 'enter', folder])
}

async function lookUp(user: string): Promise<ServerIdentity | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])])
    // `| 0`: macOS prints nobody's -2 as an unsigned number, and spawn wants the signed one.
    return { uid: Number(uid.stdout) | 0, gid: Number(gid.stdout) | 0 }
  } catch {
    return undefined // `id` fails for a user that does not exist
  }
}
