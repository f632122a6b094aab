import { JOB_STATUS, type JobStatusName } from '@c2d/contracts'
import { decide, type Decision, type Observed } from '../decide.ts'
import type { StepState } from '../executor/executor.ts'
import { buildJobRow } from './build-job-row.ts'

/** When the decisions of tests are made. */
export const NOW_MS = 1_700_000_000_000

/** A step that was not started. */
export const absent: StepState = { phase: 'absent' }

/** A step at work since then. */
export const running = (sinceMs = NOW_MS, attempt = 1): StepState => ({
  phase: 'running',
  attempt,
  startedAt: new Date(sinceMs),
})

/** A step that was made then, and waits for its start. */
export const waiting = (sinceMs = NOW_MS, attempt = 1): StepState => ({
  phase: 'waiting',
  attempt,
  since: new Date(sinceMs),
})

/** A step that is over. */
export const ended = (
  exitCode: number | null,
  reason: Extract<StepState, { phase: 'ended' }>['reason'] = null,
  attempt = 1,
): StepState => ({
  phase: 'ended',
  attempt,
  exitCode,
  signal: null,
  reason,
  message: null,
  startedAt: new Date(NOW_MS - 1000),
  endedAt: new Date(NOW_MS),
})

/** What differs from a job that was just claimed, with an empty workspace. */
export interface Situation extends Partial<Omit<Observed, 'job' | 'steps'>> {
  status: JobStatusName
  job?: Partial<Observed['job']>
  steps?: Partial<Observed['steps']>
}

/** Somebody asked to stop the job. */
export const stop = { stopRequest: 1 as const }

/** What is seen of a job in a situation; for tests. */
export function buildObserved({ status, job, steps, ...rest }: Situation): Observed {
  const { code, text } = JOB_STATUS[status]
  return {
    job: { ...buildJobRow(), status: code, statusText: text, ...job },
    prepared: true,
    steps: { configure: absent, algorithm: absent, filter: absent, publish: absent, ...steps },
    maxDurationSeconds: 60,
    keepFailedSeconds: 3_600,
    startsAlgorithmEarly: false,
    endsShowLate: false,
    ...rest,
  }
}

/** A sentence for each situation, and what is done about it. */
export type DecisionTable = Record<string, { given: Situation; want: Decision }>

/** What is decided in a situation. */
export function decideIn(situation: Situation): Decision {
  return decide(buildObserved(situation), NOW_MS)
}
