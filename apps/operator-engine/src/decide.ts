import {
  JOB_STATUS,
  STOP_REQUEST,
  isLegalTransition,
  jobStatusName,
  type IsolationReceipt,
  type JobStatusName,
  type Reason,
  type Step,
} from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'
import {
  PUBLISH_ATTEMPTS,
  algorithmDeadlineMs,
  configureDeadlineMs,
  paidUntilMs,
  publishAgainMs,
  publishDeadlineMs,
} from './deadlines.ts'
import { isAllStored } from './stored-outputs.ts'
import type { StepEndReason, StepEnded, StepState } from './executor/executor.ts'

/** Everything a decision looks at: the row and what the executor holds of the job, both read just now. */
export interface Observed {
  job: JobRow
  /** Whether the job's workspace exists. */
  prepared: boolean
  steps: Readonly<Record<Step, StepState>>
  /** Seconds the environment lets an algorithm run. */
  maxDurationSeconds: number
  /** Seconds that outputs which could not be published are kept after the end. */
  keepFailedSeconds: number
  /** Whether the algorithm is started together with `configure` and waits for staging by itself (DESIGN §5). */
  startsAlgorithmEarly: boolean
  /** Whether a step's end shows later than what its pod reported: then a publish pod that reported all is not waited for. */
  endsShowLate: boolean
}

/** The one thing to do next. Steps are named with their attempt: whoever is late acts on one that has been already. */
export type Decision =
  | { do: 'start'; step: Step; attempt: number }
  | { do: 'stop'; step: Step; attempt: number; reason: CutReason }
  | { do: 'advance'; from: JobStatusName; to: JobStatusName; outcome?: Outcome }
  | { do: 'finish'; from: JobStatusName; outcome?: Outcome }
  | { do: 'keep'; untilMs: number }
  | { do: 'remove' }
  | { do: 'wait'; untilMs: number | null }

/** Why a job is ended before its time: asked, or not paid for any longer. */
export type CutReason = 'Stopped' | 'TimedOut'

/** What is kept of how a job went. */
export interface Outcome {
  reason?: Reason
  exitCode?: number | null
  stopRequest?: 0 | 1 | 2
  /** What sealed the algorithm off (DESIGN §4.14). */
  isolation?: IsolationReceipt
}

/** How often a step is run that was lost to a disruption, in all (DESIGN §4.12). */
const DISRUPTED_ATTEMPTS = 2

/**
 * The only reader of the status table that decides: what one pass does for one job. Pure: same observation, same
 * decision. The order is the reconcilers': finished, stop asked, out of time, step failed, advance; one transition a
 * pass (DESIGN §3, §4.9–4.13).
 *
 * What must not begin any more is stopped before the job moves on, also when it never began: that is the only order
 * in which an engine that decided earlier and acts later cannot begin it after all.
 * @param nowMs epoch milliseconds
 */
export function decide(observed: Observed, nowMs: number): Decision {
  const { job } = observed
  if (job.dateFinished !== null) return decideFinished(observed, nowMs)
  const status = jobStatusName(job.status)
  if (job.workflow === null) return endUnreadable(job, status)

  switch (status) {
    case 'warmingUp':
    case 'started':
      return { do: 'wait', untilMs: null } // not claimed: not ours to touch
    case 'configuring':
      return decideConfiguring(observed, nowMs)
    case 'provisioned':
      return decideProvisioned(observed, nowMs)
    case 'running':
      return decideRunning(observed, nowMs)
    case 'filtering':
      return { do: 'advance', from: status, to: 'publishing' }
    case 'inputFailed':
    case 'algorithmFailed':
    case 'publishing':
      return decidePublishing(observed, status, nowMs)
    case 'finished':
      return { do: 'finish', from: status }
  }
}

function decideConfiguring({ job, prepared, steps, startsAlgorithmEarly }: Observed, nowMs: number): Decision {
  const step = steps.configure
  const cut = cutReason(job, nowMs)
  if (cut) {
    const early = stopIfUnderWay('algorithm', steps.algorithm, cut)
    if (early) return early
  }
  // One that was started early and will never run: nobody needs to wait for its data.
  const { algorithm } = steps
  const hopeless = algorithm.phase === 'ended' && !isRetried(algorithm) ? algorithm : null
  const cutOff = (reason: CutReason): Decision => ({
    do: 'advance',
    from: 'configuring',
    to: 'publishing',
    outcome: outcomeOf(reason),
  })
  switch (step.phase) {
    case 'absent':
      if (!cut) return { do: 'start', step: 'configure', attempt: 1 }
      // Nothing exists yet, so there is nothing to keep from beginning: it ends without being provisioned.
      return prepared ? { do: 'stop', step: 'configure', attempt: 1, reason: cut } : cutOff(cut)
    case 'waiting':
    case 'running': {
      const untilMs = configureDeadlineMs(beganMs(step), job.validUntil)
      if (!cut && !hopeless && nowMs < untilMs) {
        const isEarly = startsAlgorithmEarly && steps.algorithm.phase === 'absent'
        return isEarly ? { do: 'start', step: 'algorithm', attempt: 1 } : { do: 'wait', untilMs }
      }
      return {
        do: 'stop',
        step: 'configure',
        attempt: step.attempt,
        reason: cut ?? (hopeless ? 'Stopped' : 'TimedOut'),
      }
    }
    case 'ended': {
      if (!cut && hopeless) {
        return { do: 'advance', from: 'configuring', to: 'publishing', outcome: algorithmOutcome(hopeless) }
      }
      if (isRetried(step)) return attemptAgain('configure', step, cut)
      if (cut) return cutOff(cut)
      // Its report comes before its end, and the row was read after the end: it died without a word.
      const reason = reasonOfOwnEnd(step.reason) ?? 'StepLost'
      return { do: 'advance', from: 'configuring', to: 'inputFailed', outcome: { reason } }
    }
  }
}

/** Nothing can be made of its workflow: it ends as others do, without results. */
function endUnreadable({ reason }: JobRow, status: JobStatusName): Decision {
  const outcome = reason === null ? { outcome: { reason: 'InternalError' as const } } : {}
  return isLegalTransition(status, 'publishing')
    ? { do: 'advance', from: status, to: 'publishing', ...outcome }
    : { do: 'finish', from: status, ...outcome }
}

function decideProvisioned({ job, steps: { algorithm }, startsAlgorithmEarly }: Observed, nowMs: number): Decision {
  const cut = cutReason(job, nowMs)
  if (!cut) return { do: 'advance', from: 'provisioned', to: 'running' }
  // What it waited for is there: it may be running by now, or another engine be about to start it.
  if (startsAlgorithmEarly && algorithm.phase !== 'ended') {
    const attempt = algorithm.phase === 'absent' ? 1 : algorithm.attempt
    return { do: 'stop', step: 'algorithm', attempt, reason: cut }
  }
  const isOver = algorithm.phase === 'ended' && !isRetried(algorithm)
  const outcome = isOver ? algorithmOutcome(algorithm) : outcomeOf(cut)
  return { do: 'advance', from: 'provisioned', to: 'publishing', outcome }
}

function decideRunning({ job, prepared, steps, maxDurationSeconds }: Observed, nowMs: number): Decision {
  const step = steps.algorithm
  const cut = cutReason(job, nowMs)
  // What was provisioned is gone with its workspace: there is nothing to run on.
  if (!prepared) return { do: 'advance', from: 'running', to: 'publishing', outcome: { reason: 'StepLost' } }
  switch (step.phase) {
    case 'absent':
      return cut
        ? { do: 'stop', step: 'algorithm', attempt: 1, reason: cut }
        : { do: 'start', step: 'algorithm', attempt: 1 }
    case 'waiting':
      // Its own time has not begun: the executor gives it up when there is no use in waiting.
      return cut
        ? { do: 'stop', step: 'algorithm', attempt: step.attempt, reason: cut }
        : { do: 'wait', untilMs: job.validUntil ? paidUntilMs(job.validUntil) : null }
    case 'running': {
      const untilMs = algorithmDeadlineMs(step.startedAt.getTime(), maxDurationSeconds, job.validUntil)
      if (!cut && nowMs < untilMs) return { do: 'wait', untilMs }
      return { do: 'stop', step: 'algorithm', attempt: step.attempt, reason: cut ?? 'TimedOut' }
    }
    case 'ended':
      return isRetried(step)
        ? attemptAgain('algorithm', step, cut)
        : { do: 'advance', from: 'running', to: 'publishing', outcome: algorithmOutcome(step) }
  }
}

function decidePublishing(
  { job, prepared, steps, endsShowLate }: Observed,
  status: 'inputFailed' | 'algorithmFailed' | 'publishing',
  nowMs: number,
): Decision {
  // One that was started early, and waits for a staging that failed or was cut short.
  const early = stopIfUnderWay('algorithm', steps.algorithm, 'Stopped')
  if (early) return early
  // The first reason counts: what went wrong in the algorithm matters more than a log that was not stored.
  const { algorithm, publish: step } = steps
  // Of a failure the publish step may have found the cause.
  const isFull = job.reason === 'AlgorithmFailed' && algorithm.phase === 'ended' && algorithm.reason === 'WorkspaceFull'
  const ended: Decision = { do: 'finish', from: status, ...(isFull ? { outcome: { reason: 'WorkspaceFull' } } : {}) }
  const isLost = job.reason === null && !isAllStored(job)
  const lost: Decision = isLost ? { ...ended, outcome: { reason: 'PublishFailed' } } : ended
  switch (step.phase) {
    case 'absent':
      return prepared ? { do: 'start', step: 'publish', attempt: 1 } : lost
    case 'waiting':
    case 'running': {
      // Its report is the last thing it does, and may be here before its start shows; whoever failed is waited for, as its
      // end may say more.
      if (endsShowLate && job.reason === null && isAllStored(job)) return ended
      const untilMs = publishDeadlineMs(beganMs(step))
      if (nowMs < untilMs) return { do: 'wait', untilMs }
      return { do: 'stop', step: 'publish', attempt: step.attempt, reason: 'TimedOut' }
    }
    case 'ended': {
      if (step.exitCode === 0) return ended
      if (step.attempt >= PUBLISH_ATTEMPTS) return lost
      const againMs = publishAgainMs(step)
      return nowMs < againMs
        ? { do: 'wait', untilMs: againMs }
        : { do: 'start', step: 'publish', attempt: step.attempt + 1 }
    }
  }
}

/** What is left of a finished job goes at once; only outputs that could not be published wait for somebody to look. */
function decideFinished({ job, prepared, steps, keepFailedSeconds }: Observed, nowMs: number): Decision {
  if (!prepared) return { do: 'wait', untilMs: null }
  // One that had reported may have been ended by the removal that this goes on with.
  const isUnpublished = steps.publish.phase === 'ended' && steps.publish.exitCode !== 0 && !isAllStored(job)
  const untilMs = (Number(job.dateFinished) + keepFailedSeconds) * 1000
  return isUnpublished && nowMs < untilMs ? { do: 'keep', untilMs } : { do: 'remove' }
}

function cutReason(job: JobRow, nowMs: number): CutReason | null {
  if (job.stopRequest === STOP_REQUEST.asked) return 'Stopped'
  return nowMs >= paidUntilMs(job.validUntil) ? 'TimedOut' : null
}

/** Only a disruption is retried, once; never what the author's own code did (DESIGN §4.12). */
function isRetried(step: StepEnded): boolean {
  return (step.reason === 'Lost' || step.reason === 'Evicted') && step.attempt < DISRUPTED_ATTEMPTS
}

function stopIfUnderWay(step: Step, state: StepState, reason: CutReason): Decision | null {
  return state.phase === 'waiting' || state.phase === 'running'
    ? { do: 'stop', step, attempt: state.attempt, reason }
    : null
}

/** What our own patience with a pod of ours counts from: it includes the wait for its start. */
function beganMs(step: Extract<StepState, { phase: 'waiting' | 'running' }>): number {
  return (step.phase === 'waiting' ? step.since : step.startedAt).getTime()
}

function attemptAgain(step: Step, ended: StepEnded, cut: CutReason | null): Decision {
  const attempt = ended.attempt + 1
  return cut ? { do: 'stop', step, attempt, reason: cut } : { do: 'start', step, attempt }
}

function algorithmOutcome(step: StepEnded): Outcome {
  const reason = reasonOfEnd(step.reason) ?? (step.exitCode === 0 ? undefined : 'AlgorithmFailed')
  return {
    exitCode: step.exitCode,
    ...(reason ? outcomeOf(reason) : {}),
    ...(step.receipt ? { isolation: step.receipt } : {}),
  }
}

/** Out of time is a stop request too, in the original's words (operator-service-api §5). */
function outcomeOf(reason: Reason): Outcome {
  return reason === 'TimedOut' ? { reason, stopRequest: STOP_REQUEST.outOfTime } : { reason }
}

function reasonOfEnd(reason: StepEndReason | null): Reason | undefined {
  if (reason === null) return undefined
  return reason === 'Lost' ? 'StepLost' : reason
}

/** Of a pod of ours: its image is the operator's, and the reason of that name speaks of the author's. */
function reasonOfOwnEnd(reason: StepEndReason | null): Reason | undefined {
  return reason === 'ImagePullFailed' ? 'StartFailed' : reasonOfEnd(reason)
}

/** Whether a status is one in which a finished job's code becomes 70; 31 and 32 stay (pods-behaviour §0). */
export function endsAsFinished(status: JobStatusName): boolean {
  return (JOB_STATUS[status].next as readonly string[]).includes('finished')
}
