import { execFile } from 'node:child_process'
import { realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, resolve, sep } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const PYTHON_QUESTION =
  'import os, sys; print(os.path.realpath(sys.executable)); print(os.path.realpath(sys.base_prefix))'

/** An interpreter of this machine that algorithms may name in their entrypoint; no image is pulled (DESIGN §5). */
export interface Interpreter {
  /** What an entrypoint calls it, e.g. `python3`. */
  readonly name: string
  /** The real program, behind every link and shim. */
  readonly executable: string
  readonly binDir: string
  /** What must be visible for it to run, at the same place, beyond the system's own folders. */
  readonly readOnlyPaths: readonly string[]
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

/**
 * Which paths must be shown for an interpreter: nothing for one of the system's own. A path that holds a home folder or more is left out:
 * better an interpreter that does not start than a stranger in the owner's home.
 */
export function selectReadOnlyPaths(candidates: readonly string[], home: string): string[] {
  const shown = candidates.map((path) => resolve(path)).filter((path) => !isInside(path, '/usr'))
  const safe = shown.filter((path) => {
    const depth = path.split(sep).filter(Boolean).length
    return depth >= 2 && !isInside(home, path)
  })
  return [...new Set(safe)].filter((path) => !safe.some((other) => other !== path && isInside(path, other)))
}

/**
 * Finds Node (the one that runs this) and Python on this machine. Python is asked for its real prefix, as what `PATH` names is often
 * a shim in somebody's home folder. A machine without Python gives none, which is not an error.
 */
export async function detectInterpreters(): Promise<Interpreter[]> {
  const node = await realpath(process.execPath)
  const found: Interpreter[] = [
    { name: 'node', executable: node, binDir: dirname(node), readOnlyPaths: selectReadOnlyPaths([node], homedir()) },
  ]
  try {
    const { stdout } = await run('python3', ['-I', '-c', PYTHON_QUESTION], { timeout: 10_000 })
    const [executable = '', prefix = ''] = stdout.trim().split('\n')
    const readOnlyPaths = selectReadOnlyPaths([prefix, executable], homedir())
    for (const name of ['python3', 'python'])
      found.push({ name, executable, binDir: dirname(executable), readOnlyPaths })
  } catch {
    // No Python here: an algorithm that names it ends with the shell's own "not found", exit code 127.
  }
  return found
}
