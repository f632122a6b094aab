import { access, constants, lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'

const PROGRAM_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/sbin']
const SYSTEM_PATHS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
const SYSTEM_FILES = ['/etc/ld.so.cache', '/etc/alternatives']

/** Something of this machine's system that a dynamic interpreter needs: a tree to show, or a link to repeat. */
export interface SystemEntry {
  readonly path: string
  /** Target of a symbolic link, as it stands; null for a file or folder. */
  readonly linkTarget: string | null
}

/** What the command builders need to know about this machine, read once. */
export interface HostFacts {
  /** Whether the engine runs as root, and may therefore hand the algorithm to another user id. */
  readonly isRoot: boolean
  readonly system: readonly SystemEntry[]
  /** Absolute paths of the programs that were found. */
  readonly programs: Readonly<Record<string, string>>
}

/** Finds a program in the folders where systems keep theirs; null when there is none. `PATH` has no say: these run as the engine. */
export async function findProgram(name: string): Promise<string | null> {
  for (const folder of PROGRAM_FOLDERS) {
    const path = join(folder, name)
    try {
      await access(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder; the next one may have it.
    }
  }
  return null
}

/** Reads what the sandbox builders need to know about this machine. */
export async function loadHostFacts(): Promise<HostFacts> {
  const programs: Record<string, string> = {}
  for (const name of ['bwrap', 'unshare', 'setpriv', 'prlimit', 'sh', 'mount', 'umount', 'pivot_root', 'env']) {
    const path = await findProgram(name)
    if (path !== null) programs[name] = path
  }
  const system: SystemEntry[] = []
  for (const path of [...SYSTEM_PATHS, ...SYSTEM_FILES]) {
    const stats = await lstat(path).catch(() => null)
    if (stats === null) continue
    system.push({ path, linkTarget: stats.isSymbolicLink() ? await readlink(path) : null })
  }
  return { isRoot: process.geteuid?.() === 0, system, programs }
}

/**
 * The path of a program that must be there.
 * @throws Error naming the missing program
 */
export function assertProgram(facts: HostFacts, name: string): string {
  const path = facts.programs[name]
  if (path === undefined) throw new Error(`${name} is not installed`)
  return path
}
