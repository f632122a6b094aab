import { Readable } from 'node:stream'
import { JOB_STATUS, STEP_FILE, stepReportSchema } from '@c2d/contracts'
import { reportOutputs, reportProvisioning, type Statement } from '@c2d/operator-db/reports'
import { sleep } from '@c2d/runtime'
import {
  STEP_NAMES,
  type Executor,
  type JobState,
  type StepEnded,
  type StepName,
  type StepSpec,
  type StepState,
} from '../../../src/executor/executor.ts'

/** How the steps of the model end; by attempt where it matters. */
export interface ModelBehaviour {
  algorithmWaitsForStaging?: boolean
  /** Why the algorithm never runs, known before staging is over. */
  neverRuns?: StepEnded['reason']
  /** How an attempt of the algorithm ends by itself; null is never. */
  algorithm(attempt: number): Pick<StepEnded, 'exitCode' | 'reason'> | null
  /** Whether staging works, and how long it takes. */
  stages?: boolean
  stagingMs?: number
  /** The exit code of an attempt to publish. */
  publishes?: (attempt: number) => number
}

/** What the model saw of one job. */
export interface ModelRecord {
  /** How often the algorithm began. */
  begun: number
  /** Whether two of its lives ever overlapped, or one began before staging was complete. */
  wrong: string[]
}

interface ModelJob {
  prepared: boolean
  isStaged: boolean
  isRemoved: boolean
  attempts: Record<StepName, StepState[]>
}

const TAKES_MS = 3

/**
 * The port of executors without processes: each step takes a moment, reports as its pod would, and ends. It keeps the
 * promises of the port, so what goes wrong on it is the engine's doing.
 * @param deps.report carries out what a pod reports; rejects where it is refused
 */
export function createModelExecutor(
  behaviour: ModelBehaviour,
  deps: { report: (statement: Statement) => Promise<unknown> },
): Executor & { recordOf(jobId: string): ModelRecord } {
  const jobs = new Map<string, ModelJob>()
  const records = new Map<string, ModelRecord>()
  const recordOf = (jobId: string): ModelRecord => {
    const record = records.get(jobId) ?? { begun: 0, wrong: [] }
    records.set(jobId, record)
    return record
  }

  function end(job: ModelJob, step: StepName, attempt: number, ended: Pick<StepEnded, 'exitCode' | 'reason'>): void {
    const state = job.attempts[step][attempt - 1]
    if (state?.phase === 'ended') return
    const at = new Date()
    const startedAt = state?.phase === 'running' ? state.startedAt : at
    job.attempts[step][attempt - 1] = {
      ...{ phase: 'ended', attempt, signal: null, message: null, startedAt, endedAt: at },
      ...ended,
    }
  }

  async function runPod(jobId: string, job: ModelJob, step: 'configure' | 'publish', spec: StepSpec, attempt: number) {
    await sleep(step === 'configure' ? (behaviour.stagingMs ?? TAKES_MS) : TAKES_MS)
    const { token } = stepReportSchema.parse(JSON.parse(spec.files?.[STEP_FILE.report] ?? '{}'))
    const isWell = step === 'configure' ? (behaviour.stages ?? true) : (behaviour.publishes?.(attempt) ?? 0) === 0
    const { provisioned, inputFailed } = JOB_STATUS
    try {
      if (step === 'configure') {
        job.isStaged = isWell
        const status = isWell ? provisioned.code : inputFailed.code
        const detail = isWell ? {} : ({ reason: 'InputFetchFailed' } as const)
        await deps.report(reportProvisioning({ jobId, token, status, detail }))
      } else if (isWell) {
        const output = { filename: 'made', filesize: 4, url: `filesystem:${jobId}/made`, type: 'output' as const }
        await deps.report(reportOutputs({ jobId, token, outputs: [output] }))
      }
    } catch {
      end(job, step, attempt, { exitCode: 1, reason: null }) // refused: its job is over, or another attempt's
      return
    }
    end(job, step, attempt, { exitCode: isWell ? 0 : 1, reason: null })
  }

  async function runAlgorithm(jobId: string, job: ModelJob, attempt: number): Promise<void> {
    if (behaviour.neverRuns) {
      await sleep(TAKES_MS)
      end(job, 'algorithm', attempt, { exitCode: null, reason: behaviour.neverRuns })
    }
    const isOver = () => job.isRemoved || job.attempts.algorithm[attempt - 1]?.phase === 'ended'
    while (!job.isStaged && !isOver()) await sleep(1)
    if (isOver()) return
    const record = recordOf(jobId)
    record.begun += 1
    if (job.attempts.algorithm.some((state, index) => index !== attempt - 1 && state.phase === 'running')) {
      record.wrong.push('two lives at once')
    }
    job.attempts.algorithm[attempt - 1] = { phase: 'running', attempt, startedAt: new Date() }
    await sleep(TAKES_MS)
    const ended = behaviour.algorithm(attempt)
    if (ended && !isOver()) end(job, 'algorithm', attempt, ended)
  }

  return {
    name: 'process',
    ...(behaviour.algorithmWaitsForStaging ? { algorithmWaitsForStaging: true } : {}),
    recordOf,
    prepare(jobId) {
      if (!jobs.has(jobId)) {
        const attempts = { configure: [], algorithm: [], filter: [], publish: [] }
        jobs.set(jobId, { prepared: true, isStaged: false, isRemoved: false, attempts })
      }
      return Promise.resolve()
    },

    async start(jobId, step, spec, attempt = 1) {
      const job = jobs.get(jobId)
      if (!job) throw new Error(`job ${jobId} is not prepared`)
      if (job.attempts[step][attempt - 1]) return
      if (attempt > 1 && job.attempts[step][attempt - 2]?.phase !== 'ended') throw new Error('one is under way')
      if (step === 'algorithm') {
        if (!job.isStaged && !behaviour.algorithmWaitsForStaging) recordOf(jobId).wrong.push('begun unstaged')
        job.attempts.algorithm[attempt - 1] = { phase: 'waiting', attempt, since: new Date() }
        void runAlgorithm(jobId, job, attempt)
      } else if (step !== 'filter') {
        job.attempts[step][attempt - 1] = { phase: 'running', attempt, startedAt: new Date() }
        void runPod(jobId, job, step, spec, attempt)
      }
    },
    observe(jobId): Promise<JobState> {
      const job = jobs.get(jobId)
      const latest = (step: StepName): StepState => job?.attempts[step].at(-1) ?? { phase: 'absent' }
      const [configure, algorithm, filter, publish] = STEP_NAMES.map(latest) as [
        StepState,
        StepState,
        StepState,
        StepState,
      ]
      return Promise.resolve({ prepared: job !== undefined, steps: { configure, algorithm, filter, publish } })
    },
    logs: () => Readable.from([]),
    stop(jobId, step, reason, attempt = 1) {
      const job = jobs.get(jobId)
      if (job) end(job, step, attempt, { exitCode: null, reason })
      return Promise.resolve()
    },
    discardInputs: () => Promise.resolve(),
    remove(jobId) {
      const job = jobs.get(jobId)
      if (job) job.isRemoved = true
      jobs.delete(jobId)
      return Promise.resolve()
    },
    async *changes() {
      // nobody listens here
    },
    list: () => Promise.resolve([...jobs.keys()]),
    close: () => Promise.resolve(),
    describe: () => 'a model',
  }
}
