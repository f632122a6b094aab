import type { Interpreter } from './interpreters.ts'

/** Ids of the user that an algorithm runs as, seen from inside its sandbox. */
export const INSIDE_ID = 1000

/**
 * The id on this machine that stands behind `INSIDE_ID` when the engine itself is root: below 65536, so that it exists inside containers,
 * and in the range that Debian leaves unassigned, so that no file and no process of this machine belongs to it.
 */
export const HOST_ID = 65_510

/** Where an algorithm finds the workspace (pods-behaviour §3.2). */
export const SANDBOX_VOLUME = '/data'

/** Name of the variable that marks every process of a step for those who must find it again; taken out of an algorithm's environment. */
export const STEP_MARK = 'C2D_STEP_MARK'

/** The last words of every sandbox: say that the sealing is done, close the channel, become the algorithm. */
export const ENTER_SCRIPT = 'printf s >&3; exec 3>&-; exec "$@"'

/**
 * A shell that stays as the pid namespace's first process, reaps, and runs the rest as its child; what it says itself ("Terminated") is
 * not the algorithm's output.
 */
export const BECOME_INIT = 'set +e\nexec 4>&2 2>/dev/null\n(exec "$@" 2>&4 4>&-)\nexit $?'

/** What is to run sealed. */
export interface SandboxRequest {
  /** Argument vector, as the algorithm's author wrote it. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The job's data folder on this machine: `inputs`, `transformations`, `ddos`, `outputs`, `logs` are shown, nothing else of it. */
  readonly dataFolder: string
  /** An empty folder that may serve as mount point for the new root. */
  readonly scratchFolder: string
  /** Files below `logs` (names only) that exist and stay read-only: the log that we write ourselves. */
  readonly readOnlyLogs: readonly string[]
  /** Value of `STEP_MARK` for the processes that build the sandbox. */
  readonly mark: string
  readonly interpreters: readonly Interpreter[]
  /** Processes and threads together. */
  readonly maxProcesses: number
  /** Size of the private `/tmp`, and again of `/dev/shm`, in bytes. */
  readonly tmpBytes: number
  /** Largest single file, in bytes. */
  readonly maxFileBytes: number
}

/** What a step runner has to do to run something. */
export interface LaunchCommand {
  readonly argv: readonly string[]
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /**
   * `none`: a plain program. `announce`: it says on descriptor 3 when the command itself is about to run.
   * `map`: it first waits there for its user namespace to be mapped, then announces.
   */
  readonly handshake: 'none' | 'announce' | 'map'
  /** Whether the command runs as pid 2 of a pid namespace of its own, which then dies as a whole. */
  readonly isolated: boolean
}

/** A way to run a stranger's code on this machine. */
export interface Sandbox {
  readonly kind: 'bubblewrap' | 'unshare' | 'none'
  /** For the operator, e.g. `sandboxed by bubblewrap 0.8.0`. */
  readonly description: string
  /** Who must own the folders the algorithm writes to; null when that is the engine's own user. */
  readonly ownerId: number | null
  build(request: SandboxRequest): LaunchCommand
}

/** Folders that are shown below the volume, and whether the algorithm may write there. */
export const VOLUME_FOLDERS = [
  { name: 'inputs', writable: false },
  { name: 'transformations', writable: false },
  { name: 'ddos', writable: false },
  { name: 'outputs', writable: true },
  { name: 'logs', writable: true },
] as const

/** Devices that exist inside. */
export const DEVICES = ['null', 'zero', 'full', 'random', 'urandom'] as const

/** Links below `/dev` that shells and languages take for granted. */
export const DEVICE_LINKS = [
  { path: '/dev/fd', target: '/proc/self/fd' },
  { path: '/dev/stdin', target: '/proc/self/fd/0' },
  { path: '/dev/stdout', target: '/proc/self/fd/1' },
  { path: '/dev/stderr', target: '/proc/self/fd/2' },
] as const

/** Folder of links inside that names the interpreters. */
export const INTERPRETER_LINKS = '/opt/interpreters'

/**
 * The environment that an algorithm sees: the spec's variables below a `PATH`, `HOME` and locale of the sandbox's own.
 */
export function buildSandboxEnv(request: Pick<SandboxRequest, 'env'>): Record<string, string> {
  return {
    HOME: '/tmp',
    LANG: 'C.UTF-8',
    ...request.env,
    PATH: `${INTERPRETER_LINKS}:/usr/local/bin:/usr/bin:/bin`,
    VOLUME: SANDBOX_VOLUME,
  }
}
