import { dirname } from 'node:path'
import type { StepName, StepSpec } from '../executor.ts'
import type { Interpreter } from '../sandbox/interpreters.ts'
import { STEP_MARK, type LaunchCommand, type Sandbox } from '../sandbox/sandbox.ts'
import type { RunnerOrder } from './runner-order.ts'
import type { StepPaths } from './step-files.ts'

const DEFAULT_MAX_PROCESSES = 256
const DEFAULT_TMP_BYTES = 64 * 1024 * 1024

/** One attempt of a step, and where it is kept. */
interface OrderedStep {
  root: string
  jobId: string
  step: StepName
  attempt: number
  spec: StepSpec
  paths: StepPaths
}

/** How this machine runs steps. */
interface Surroundings {
  sandbox: Sandbox
  interpreters: readonly Interpreter[]
  maxProcesses?: number
  tmpBytes?: number
  /** Where util-linux's setpriv is; null where it is not. */
  setpriv: string | null
}

/** What a runner is told: an algorithm behind the sandbox, a program of ours as it is. */
export function buildRunnerOrder(
  { root, jobId, step, attempt, spec, paths }: OrderedStep,
  { sandbox, interpreters, setpriv, ...options }: Surroundings,
): RunnerOrder {
  const maxProcesses = options.maxProcesses ?? DEFAULT_MAX_PROCESSES
  const untrusted = spec.kind === 'algorithm'
  const command = untrusted
    ? sandbox.build({
        command: spec.command,
        env: spec.env,
        dataFolder: paths.data,
        scratchFolder: paths.scratch,
        readOnlyLogs: step === 'algorithm' ? ['algorithm.log'] : [],
        mark: paths.mark,
        interpreters,
        maxProcesses,
        tmpBytes: options.tmpBytes ?? DEFAULT_TMP_BYTES,
        maxFileBytes: spec.limits.workspaceBytes,
      })
    : buildProgramCommand(spec, paths, setpriv)
  return {
    root,
    jobId,
    step,
    attempt,
    command,
    files: untrusted ? null : (spec.files ?? null),
    limits: spec.limits,
    // Our own programs are held by their memory alone.
    maxProcesses: untrusted ? maxProcesses : Number.MAX_SAFE_INTEGER / 4,
    untrusted,
    ownerId: untrusted ? sandbox.ownerId : null,
  }
}

/** How one of our own programs runs: as it is, with nothing inherited, from the folder above the data. */
function buildProgramCommand(spec: StepSpec, paths: StepPaths, setpriv: string | null): LaunchCommand {
  return {
    // A program must not go on when the runner that would note its end is gone.
    argv: setpriv === null ? spec.command : [setpriv, '--pdeathsig', 'KILL', '--', ...spec.command],
    env: {
      ...spec.env,
      PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
      VOLUME: paths.data,
      ...(spec.files ? { STEP_FILES: paths.files } : {}),
      [STEP_MARK]: paths.mark,
    },
    cwd: dirname(paths.data),
    handshake: 'none',
    isolated: false,
  }
}
