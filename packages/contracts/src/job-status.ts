/** Who may write a status: each status has exactly one kind of writer. */
export type StatusWriter = 'operator-service' | 'engine' | 'pod-configuration'

/** The steps of a job, in the order they run. `filter` runs only where the environment names a filter image. */
export const STEPS = ['configure', 'algorithm', 'filter', 'publish'] as const
export type Step = (typeof STEPS)[number]

interface StatusRow {
  /** The number on the wire and in `jobs.status`. */
  readonly code: number
  /** The exact text on the wire; 40 really ends in a blank. */
  readonly text: string
  readonly writer: StatusWriter
  /** The step that is (about to be) at work in this status. */
  readonly step: Step | null
  /** The only statuses that may follow. */
  readonly next: readonly string[]
}

/**
 * THE state table. Nothing else in the repository spells a status number (operator-service-api §7, pods-behaviour §1.8).
 *
 * After `inputFailed` or `algorithmFailed` the algorithm is skipped, logs are still published, and the code stays:
 * *finished* is therefore `dateFinished` being set, never the number 70.
 */
export const JOB_STATUS = {
  warmingUp: {
    code: 1,
    text: 'Warming up',
    writer: 'operator-service',
    step: null,
    next: ['configuring', 'finished'],
  },
  started: { code: 10, text: 'Job started', writer: 'engine', step: null, next: ['configuring'] },
  configuring: {
    code: 20,
    text: 'Configuring volumes',
    writer: 'engine',
    step: 'configure',
    next: ['provisioned', 'inputFailed', 'algorithmFailed', 'publishing'],
  },
  provisioned: {
    code: 30,
    text: 'Provisioning success',
    writer: 'pod-configuration',
    step: 'algorithm',
    next: ['running', 'publishing'],
  },
  inputFailed: { code: 31, text: 'Data provisioning failed', writer: 'pod-configuration', step: 'publish', next: [] },
  algorithmFailed: {
    code: 32,
    text: 'Algorithm provisioning failed',
    writer: 'pod-configuration',
    step: 'publish',
    next: [],
  },
  running: {
    code: 40,
    text: 'Running algorithm ',
    writer: 'engine',
    step: 'algorithm',
    next: ['filtering', 'publishing'],
  },
  filtering: { code: 50, text: 'Filtering results', writer: 'engine', step: 'filter', next: ['publishing'] },
  publishing: { code: 60, text: 'Publishing results', writer: 'engine', step: 'publish', next: ['finished'] },
  finished: { code: 70, text: 'Job finished', writer: 'engine', step: null, next: [] },
} as const satisfies Record<string, StatusRow>

export type JobStatusName = keyof typeof JOB_STATUS
export type JobStatusCode = (typeof JOB_STATUS)[JobStatusName]['code']

const nameByCode = new Map<number, JobStatusName>(
  (Object.entries(JOB_STATUS) as [JobStatusName, StatusRow][]).map(([name, row]) => [row.code, name]),
)

/**
 * The name of a status code.
 * @param code what `jobs.status` holds
 * @throws RangeError for a code the table does not know
 */
export function jobStatusName(code: number): JobStatusName {
  const name = nameByCode.get(code)
  if (name === undefined) throw new RangeError(`unknown job status code ${code}`)
  return name
}

/** Whether the table allows a job to go from one status to another. */
export function isLegalTransition(from: JobStatusName, to: JobStatusName): boolean {
  return (JOB_STATUS[from].next as readonly string[]).includes(to)
}

/** `jobs.stopreq`: a flag beside the status, not a status (operator-service-api §5). */
export const STOP_REQUEST = { none: 0, asked: 1, outOfTime: 2 } as const
