import type { Readable } from 'node:stream'
import type { IsolationReceipt } from '@c2d/contracts'

/** The steps of a job in the order they run (DESIGN §2). */
export const STEP_NAMES = ['configure', 'algorithm', 'filter', 'publish'] as const

/** One of the steps of a job. */
export type StepName = (typeof STEP_NAMES)[number]

/** What a step may use up before it is ended for it. */
export interface StepLimits {
  /** Seconds from the step's own start; the engine enforces them, the executor adds `graceSeconds` as a backstop (DESIGN §4.13). */
  readonly maxDurationSeconds: number
  /** Memory of all the step's processes together, in bytes. */
  readonly memoryBytes: number
  /** Size of the job's whole workspace, in bytes; held for `algorithm` steps only. */
  readonly workspaceBytes: number
  /** Seconds between the polite end (SIGTERM) and the other one (SIGKILL). */
  readonly graceSeconds: number
  /** How much of the step's output is kept, in bytes; the rest is drained and dropped. */
  readonly logBytes: number
}

/** What a step runs. The engine builds it as a pure function of the job's row and its configuration. */
export interface StepSpec {
  /** `program`: our own code, trusted, may use the network. `algorithm`: a stranger's code, sealed (DESIGN §4.14). */
  readonly kind: 'program' | 'algorithm'
  /** `program`: the argument vector. `algorithm`: `['sh', '-c', script]`, `$ALGO` already replaced. */
  readonly command: readonly string[]
  /** The step's environment; `VOLUME` and `PATH` are the executor's to set. */
  readonly env: Readonly<Record<string, string>>
  /** Private files of a `program` step, by file name; their folder is handed over in `STEP_FILES` and goes with the step. */
  readonly files?: Readonly<Record<string, string>>
  /** Container image the step runs in; an executor without containers takes no notice of it (DESIGN §5). */
  readonly image?: string
  /** Whether an `algorithm` may reach public addresses: every dataset of its job allows it (DESIGN §4.2). Absent: it may not. */
  readonly allowNetworkAccess?: boolean
  readonly limits: StepLimits
}

/** Why a step ended other than by its own doing. */
export const STEP_END_REASONS = [
  'TimedOut',
  'OutOfMemory',
  'WorkspaceFull',
  'TooManyProcesses',
  'Stopped',
  'Lost',
  'Evicted',
  'StartFailed',
  'ImagePullFailed',
  'Unschedulable',
  'NetworkNotSealed',
] as const

/**
 * Why a step ended other than by its own doing. `Lost`: whoever watched it disappeared with its exit code. `Evicted`: it was taken
 * away (its node is gone, it was evicted, preempted, deleted by hand). These two are disruptions: the engine begins the step again, once.
 * `StartFailed`: the command never ran (also: the cluster refused the step's objects), so the fault is the operator's, not the author's.
 * `ImagePullFailed`, `Unschedulable`, `NetworkNotSealed`: it never ran either, for these reasons; the executor decides how long to wait
 * before it says so.
 */
export type StepEndReason = (typeof STEP_END_REASONS)[number]

/** A step that ended; `reason` is null when its program just exited, whatever the code. */
export interface StepEnded {
  readonly phase: 'ended'
  /** Which attempt of the step this is, from 1. */
  readonly attempt: number
  readonly exitCode: number | null
  /** The signal's name, e.g. `SIGKILL`, where it is known; a shell reports a signal as exit code 128 + n instead. */
  readonly signal: string | null
  readonly reason: StepEndReason | null
  /** A sentence for the operator; never shown to consumers as it may name paths of this machine. */
  readonly message: string | null
  readonly startedAt: Date
  readonly endedAt: Date
  /** What sealed it off, where that was measured; also of a step that did not run because of it. */
  readonly receipt?: IsolationReceipt
}

/** What exists of one step right now: its latest attempt. */
export type StepState =
  | { readonly phase: 'absent' }
  /** Under way, but its own program has not begun: it waits for a place, its image, the seal, or staging. None of that costs it time. */
  | { readonly phase: 'waiting'; readonly attempt: number; readonly since: Date }
  /** `startedAt` is the program's own start, which time limits count from (DESIGN §4.13). */
  | {
      readonly phase: 'running'
      readonly attempt: number
      readonly startedAt: Date
      readonly receipt?: IsolationReceipt
    }
  | StepEnded

/** The place where steps run does not answer now: what was asked for may or may not have happened, and no job is to blame. */
export class ExecutorUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ExecutorUnavailableError'
  }
}

/** Under which claim a job is held: of two, the higher epoch is the newer. */
export interface JobClaim {
  readonly epoch: number
  /** Name of the engine that holds it. */
  readonly by: string
}

/** Something that happened to a job, for people who look at the place where it runs. */
export interface JobNote {
  /** What happened, as one word in capitals and small letters; with `attempt` of `step` it happens once. */
  readonly reason: string
  /** A sentence for the operator. */
  readonly message: string
  readonly isWarning: boolean
  /** What it is about; null: the job itself. */
  readonly step: { readonly name: StepName; readonly attempt: number } | null
  /** When it happened; null: now. */
  readonly at: Date | null
}

/** How many pods of an environment are in a phase. */
export interface PodCount {
  readonly environment: string
  readonly phase: string
  readonly count: number
}

/** What exists of one job right now. */
export interface JobState {
  /** The workspace exists. */
  readonly prepared: boolean
  readonly steps: Readonly<Record<StepName, StepState>>
}

/**
 * Where the steps of jobs run (DESIGN §5). Nothing is remembered in memory: another engine's executor over the same place sees
 * the same jobs and may go on with them. A `jobId` is 32 lower-case hex characters; any other text is refused by every method.
 */
export interface Executor {
  readonly name: 'process' | 'kubernetes'
  /**
   * Whether an algorithm that is started before its job is staged waits by itself until staging is complete and verified, and never begins
   * without that (DESIGN §5). Then it is started together with `configure`, and stopped where staging fails; absent: it is started after it.
   */
  readonly algorithmWaitsForStaging?: boolean
  /**
   * Whether the end of a step shows noticeably later than its program's own last report; `remove` ends what is left of it.
   */
  readonly endsShowLate?: boolean
  /**
   * Makes the job's workspace exist; safe to repeat, never empties one that is there.
   * @param environment id of the job's environment; may be left out where there is one, or where all run in one place
   * @param claim under which it is held, where that is to be seen
   */
  prepare(jobId: string, environment?: string, claim?: JobClaim): Promise<void>
  /**
   * Starts a step and returns as soon as it is under way, not when it ends. An attempt of a step runs at most once, whoever asks and
   * however often; asking again is not an error. An attempt after the first begins with the folders that the step writes to emptied
   * (`publish` writes to none), and never while the one before it may still run.
   * @param attempt from 1; which one to start, so that whoever is late asks for one that has been already (DESIGN §4.12)
   * @throws Error when the job is not prepared, when the attempt before has not ended, or when this machine could not start anything
   */
  start(jobId: string, step: StepName, spec: StepSpec, attempt?: number): Promise<void>
  /** What exists now. Also for unknown jobs: then nothing is prepared and every step is absent. */
  observe(jobId: string): Promise<JobState>
  /** The output of the step's latest attempt from its first byte, live while it runs; ends with it, at once for an absent one. */
  logs(jobId: string, step: StepName): Readable
  /**
   * Asks the step to end: politely, then by force after the step's `graceSeconds`; returns before that. `reason` is what `observe` will say
   * unless the step ends by itself first. An attempt that never started will not start any more.
   * @param attempt from 1, as for `start`
   */
  stop(jobId: string, step: StepName, reason: 'Stopped' | 'TimedOut', attempt?: number): Promise<void>
  /** Deletes what was fetched for a job (inputs, algorithm, descriptions) and leaves its outputs and logs; safe to repeat. */
  discardInputs(jobId: string): Promise<void>
  /** Ends whatever runs, by force, and deletes everything of this job; safe to repeat and for jobs it never saw. */
  remove(jobId: string): Promise<void>
  /** Job ids that moved since this call: a hint, never the truth; may repeat, may miss. Ends with `signal` or `close`. */
  changes(signal?: AbortSignal): AsyncIterable<string>
  /** Every job it holds anything of, for sweeps in both directions. */
  list(): Promise<string[]>
  /**
   * Shows in the place where a job runs who holds it now and what happened to it so far, each thing once. Returns at once:
   * nothing depends on it, and what cannot be written is logged.
   */
  tell?(jobId: string, claim: JobClaim, notes: readonly JobNote[]): void
  /** How many pods there are, by what is known already; every environment with every phase. */
  countPods?(): PodCount[]
  /** Lets go of watches; steps go on running. */
  close(): Promise<void>
  /** One sentence for the operator about what runs here and how it is sealed. */
  describe(): string
}
