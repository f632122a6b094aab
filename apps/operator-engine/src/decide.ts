import { JOB_STATUS, STOP_REQUEST, jobStatusName, type JobStatusName, type Reason, type Step } from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'
import type { StepEndReason, StepState } from './executor/executor.ts'

/** Everything a decision looks at: the row and what the executor holds of the job, both read just now. */
export interface Observed {
  job: JobRow
  /** Whether the job's workspace exists. */
  prepared: boolean
  steps: Record<Step, StepState>
  /** Seconds the environment lets an algorithm run. */
  maxDurationSeconds: number
}

/** The one thing to do next. */
export type Decision =
  | { do: 'start'; step: Step }
  | { do: 'stop'; step: Step; reason: 'Stopped' | 'TimedOut' }
  | { do: 'advance'; from: JobStatusName; to: JobStatusName; outcome?: Outcome }
  | { do: 'finish'; from: JobStatusName; outcome?: Outcome }
  | { do: 'remove' }
  | { do: 'wait'; untilMs: number | null }

/** What is kept of how a job went. */
export interface Outcome {
  reason?: Reason
  exitCode?: number | null
  stopRequest?: 0 | 1 | 2
}

/**
 * The only reader of the status table that decides: what one pass does for one job. Pure: same observation, same
 * decision. The order is the reconcilers': finished, stop asked, out of time, step failed, advance; one transition a
 * pass (DESIGN §3, §4.9–4.13).
 * @param nowMs epoch milliseconds
 */
export function decide(observed: Observed, nowMs: number): Decision {
  const { job } = observed
  if (job.dateFinished !== null) return observed.prepared ? { do: 'remove' } : { do: 'wait', untilMs: null }
  const status = jobStatusName(job.status)
  if (job.workflow === null) return { do: 'finish', from: status, outcome: { reason: 'InternalError' } }

  switch (status) {
    case 'warmingUp':
    case 'started':
      return { do: 'wait', untilMs: null } // not claimed: not ours to touch
    case 'configuring':
      return decideConfiguring(observed)
    case 'provisioned':
      return isStopAsked(job)
        ? { do: 'advance', from: status, to: 'publishing', outcome: { reason: 'Stopped' } }
        : { do: 'advance', from: status, to: 'running' }
    case 'running':
      return decideRunning(observed, nowMs)
    case 'filtering':
      return { do: 'advance', from: status, to: 'publishing' }
    case 'inputFailed':
    case 'algorithmFailed':
    case 'publishing':
      return decidePublishing(observed, status)
    case 'finished':
      return { do: 'finish', from: status }
  }
}

function decideConfiguring({ job, steps }: Observed): Decision {
  const step = steps.configure
  if (isStopAsked(job)) {
    if (step.phase === 'running') return { do: 'stop', step: 'configure', reason: 'Stopped' }
    return { do: 'advance', from: 'configuring', to: 'publishing', outcome: { reason: 'Stopped' } }
  }
  switch (step.phase) {
    case 'absent':
      return { do: 'start', step: 'configure' }
    case 'running':
      return { do: 'wait', untilMs: null }
    case 'ended': {
      // Its report comes before its end, and the row was read after the end: it died without a word.
      const reason = reasonOfEnd(step.reason) ?? 'StepLost'
      return { do: 'advance', from: 'configuring', to: 'inputFailed', outcome: { reason } }
    }
  }
}

function decideRunning({ job, steps, maxDurationSeconds }: Observed, nowMs: number): Decision {
  const step = steps.algorithm
  switch (step.phase) {
    case 'absent':
      return isStopAsked(job)
        ? { do: 'advance', from: 'running', to: 'publishing', outcome: { reason: 'Stopped' } }
        : { do: 'start', step: 'algorithm' }
    case 'running': {
      if (isStopAsked(job)) return { do: 'stop', step: 'algorithm', reason: 'Stopped' }
      const untilMs = algorithmDeadlineMs(step.startedAt.getTime(), maxDurationSeconds, job.validUntil)
      return nowMs >= untilMs ? { do: 'stop', step: 'algorithm', reason: 'TimedOut' } : { do: 'wait', untilMs }
    }
    case 'ended':
      return { do: 'advance', from: 'running', to: 'publishing', outcome: algorithmOutcome(step) }
  }
}

function decidePublishing(
  { job, steps }: Observed,
  status: 'inputFailed' | 'algorithmFailed' | 'publishing',
): Decision {
  const step = steps.publish
  switch (step.phase) {
    case 'absent':
      return { do: 'start', step: 'publish' }
    case 'running':
      return { do: 'wait', untilMs: null }
    case 'ended':
      // The first reason counts: what went wrong in the algorithm matters more than a log that was not stored.
      return step.exitCode === 0 || job.reason !== null
        ? { do: 'finish', from: status }
        : { do: 'finish', from: status, outcome: { reason: 'PublishFailed' } }
  }
}

/**
 * When an algorithm's time is over: its environment's limit, counted from its own start, or the end of what was paid
 * for, whichever comes first (DESIGN §4.13).
 */
export function algorithmDeadlineMs(
  startedAtMs: number,
  maxDurationSeconds: number,
  validUntil: number | null,
): number {
  const limitMs = startedAtMs + maxDurationSeconds * 1000
  return validUntil ? Math.min(limitMs, validUntil * 1000) : limitMs
}

function algorithmOutcome(step: Extract<StepState, { phase: 'ended' }>): Outcome {
  const reason = reasonOfEnd(step.reason) ?? (step.exitCode === 0 ? undefined : 'AlgorithmFailed')
  return {
    exitCode: step.exitCode,
    ...(reason ? { reason } : {}),
    ...(reason === 'TimedOut' ? { stopRequest: STOP_REQUEST.outOfTime } : {}),
  }
}

function reasonOfEnd(reason: StepEndReason | null): Reason | undefined {
  if (reason === null) return undefined
  return reason === 'Lost' ? 'StepLost' : reason
}

function isStopAsked(job: JobRow): boolean {
  return job.stopRequest === STOP_REQUEST.asked
}

/** Whether a status is one in which a finished job's code becomes 70; 31 and 32 stay (pods-behaviour §0). */
export function endsAsFinished(status: JobStatusName): boolean {
  return (JOB_STATUS[status].next as readonly string[]).includes('finished')
}
