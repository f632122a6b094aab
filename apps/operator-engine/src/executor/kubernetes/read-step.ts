import { isolationReceiptSchema, type IsolationReceipt } from '@c2d/contracts'
import { STEP_END_REASONS, type StepEndReason, type StepEnded, type StepState } from '../executor.ts'
import { ANNOTATION, GATE_CONTAINER, MAIN_CONTAINER } from './names.ts'
import type { ContainerView, JobView, PodView } from './views.ts'

/** The Job of a step's latest attempt, and its pod where there is one. */
export interface StepObjects {
  job: JobView
  pod: PodView | null
}

type Terminated = NonNullable<ContainerView['state']['terminated']>

const LOST_MESSAGE = 'its node does not answer: nobody knows how it ended'

/** Exit codes with which runtimes and kubelet say that a command never ran; `128` is an algorithm's own too. */
const NEVER_RAN = ['StartError', 'ContainerCannotRun', 'RunContainerError', 'CreateContainerError']

/**
 * What the cluster's objects say of a step (DESIGN §5). A step ends with its container, not with its Job: a container's
 * end shows seconds earlier. Pure: same objects, same answer, for every engine; what the answer should make us do about
 * it is `decideRemedy`'s.
 */
export function readStep({ job, pod }: StepObjects): StepState {
  const { attempt } = job
  const main = findMain(pod)
  const receipt = readReceipt(pod)
  const terminated = main?.state.terminated ?? null
  const running = main?.state.running ?? null

  const lost = readLost(job)
  if (lost) {
    const startedAt = running?.startedAt ?? terminated?.startedAt ?? job.startTime ?? job.creationTimestamp
    const reason = askedReason(job) ?? 'Lost'
    return withReceipt(ended(job, { reason, message: LOST_MESSAGE, startedAt, endedAt: lost }), receipt)
  }
  if (pod && terminated) return withReceipt(endedByContainer(job, pod, terminated), receipt)
  if (pod && running && !isOver(pod)) {
    return withReceipt({ phase: 'running', attempt, startedAt: running.startedAt ?? pod.creationTimestamp }, receipt)
  }
  if (pod && isOver(pod)) return withReceipt(endedWithoutRunning(job, pod), receipt)
  if (pod === null) {
    // A Job that is held back makes no pod any more: what was to be ended is over once there is none.
    if (askedReason(job) && (job.suspended || jobFailure(job))) return ended(job, {})
    const failure = jobFailure(job)
    if (failure) return ended(job, disruption(`its pod is gone: ${failure}`))
    if (isComplete(job)) return ended(job, { exitCode: 0 })
  }
  return { phase: 'waiting', attempt, since: job.creationTimestamp }
}

/** When this step was given up as its node does not answer; null where it was not. What stands there stays (`decideRemedy`). */
export function readLost(job: JobView): Date | null {
  const at = job.annotations[ANNOTATION.lost]
  return at === undefined ? null : new Date(at)
}

/** Why the engine, or a remedy, ended this step; null where nobody did. */
export function askedReason(job: JobView): StepEndReason | null {
  return STEP_END_REASONS.find((reason) => reason === job.annotations[ANNOTATION.endReason]) ?? null
}

/** The status of the container a step's own command runs in. */
export function findMain(pod: PodView | null): ContainerView | null {
  return pod?.containerStatuses.find(({ name }) => name === MAIN_CONTAINER) ?? null
}

/** What the seal gate left as its last words; null before, and where it said nothing that can be read. */
export function readReceipt(pod: PodView | null): IsolationReceipt | null {
  const gate = pod?.initContainerStatuses.find(({ name }) => name === GATE_CONTAINER)
  const said = gate?.state.terminated?.message
  if (!said) return null
  try {
    return isolationReceiptSchema.safeParse(JSON.parse(said)).data ?? null
  } catch {
    return null // cut off or garbled: then there is no receipt, and the exit code alone counts
  }
}

/** Whether a pod is over, whatever becomes of its object. */
export function isOver(pod: PodView): boolean {
  return pod.phase === 'Failed' || pod.phase === 'Succeeded'
}

function endedByContainer(job: JobView, pod: PodView, terminated: Terminated): StepEnded {
  const times = {
    startedAt: terminated.startedAt ?? pod.creationTimestamp,
    endedAt: terminated.finishedAt ?? terminated.startedAt ?? pod.creationTimestamp,
  }
  if (NEVER_RAN.includes(terminated.reason ?? '')) {
    return ended(job, { reason: 'StartFailed', message: said(terminated.reason, terminated.message), ...times })
  }
  // Kubelet gives a code to containers it knows nothing of, also to those that never began.
  const exitCode = terminated.reason === 'ContainerStatusUnknown' ? null : terminated.exitCode
  // Asked for, and that is how it ended: not by itself a moment before.
  const isCut = pod.reason === 'DeadlineExceeded' || pod.deletionTimestamp !== null || job.suspended
  if (askedReason(job) && isCut) return ended(job, { exitCode, ...times })
  if (exitCode === 0) return ended(job, { exitCode, ...times, reason: null })
  if (terminated.reason === 'OOMKilled') {
    return ended(job, { exitCode, reason: 'OutOfMemory', message: 'killed for its use of memory', ...times })
  }
  const taken = whyTaken(pod, terminated)
  // Whoever is taken away has no exit code of its own.
  if (taken) return ended(job, { ...taken, ...times, exitCode: taken.reason === 'TimedOut' ? exitCode : null })
  return ended(job, { exitCode, reason: null, ...times })
}

/** A pod that is over although its command never ran: its gate refused, or the node did. */
function endedWithoutRunning(job: JobView, pod: PodView): StepEnded {
  const gate = pod.initContainerStatuses.find(({ name }) => name === GATE_CONTAINER)?.state.terminated ?? null
  const broken = pod.initContainerStatuses.find(({ state }) => (state.terminated?.exitCode ?? 0) !== 0)
  const times = { startedAt: pod.creationTimestamp, endedAt: broken?.state.terminated?.finishedAt ?? overSince(pod) }
  if (askedReason(job)) return ended(job, times)
  const taken = whyTaken(pod, null)
  if (taken) return ended(job, { ...taken, ...times })
  if (gate !== null && gate.exitCode !== 0) {
    const isRefusal = readReceipt(pod)?.sealed === false
    return ended(job, {
      reason: isRefusal ? 'NetworkNotSealed' : 'StartFailed',
      message: isRefusal ? 'addresses that must not answer do: see the receipt' : said('the seal gate', gate.message),
      ...times,
    })
  }
  const why = broken ? `${broken.name} failed` : (pod.reason ?? 'the pod failed')
  return ended(job, { reason: 'StartFailed', message: said(why, pod.message), ...times })
}

/** What took a pod away that did not end by itself; null where it did. */
function whyTaken(pod: PodView, terminated: Terminated | null): Pick<StepEnded, 'reason' | 'message'> | null {
  const message = pod.message ?? ''
  switch (pod.reason) {
    case 'DeadlineExceeded':
      return { reason: 'TimedOut', message: 'its time was over, and no engine was there to end it' }
    case 'Evicted':
      // The node's own disk, which only the step's log and /tmp are on: its own doing, and no disruption.
      return /ephemeral[- ](local )?storage|EmptyDir volume/i.test(message) && !/node was low/i.test(message)
        ? { reason: 'WorkspaceFull', message: said('evicted', message) }
        : disruption(said('evicted', message))
    case 'NodeLost':
    case 'Preempting':
    case 'Preempted':
    case 'Terminated':
    case 'Shutdown':
    case 'NodeShutdown':
      return disruption(said(pod.reason, message))
    case 'OutOfcpu':
    case 'OutOfmemory':
    case 'OutOfpods':
    case 'OutOfephemeral-storage':
    case 'NodeAffinity':
    case 'UnexpectedAdmissionError':
      return disruption(said(`the node refused the pod: ${pod.reason}`, message))
    case null:
    default:
  }
  if (terminated?.reason === 'ContainerStatusUnknown') return { reason: 'Lost', message: 'the node lost the container' }
  const target = pod.conditions.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True')
  if (target) return disruption(said(target.reason, target.message))
  if (pod.deletionTimestamp) return disruption('its pod was deleted')
  return null
}

function disruption(message: string): Pick<StepEnded, 'reason' | 'message'> {
  return { reason: 'Evicted', message }
}

function jobFailure(job: JobView): string | null {
  const failed = job.conditions.find(({ type, status }) => type === 'Failed' && status === 'True')
  return failed ? said(failed.reason, failed.message) : null
}

function isComplete(job: JobView): boolean {
  return job.conditions.some(({ type, status }) => type === 'Complete' && status === 'True')
}

function overSince(pod: PodView): Date {
  const ready = pod.conditions.find(({ type }) => type === 'Ready')
  return ready?.lastTransitionTime ?? pod.deletionTimestamp ?? pod.creationTimestamp
}

/** An ended step; why it was ended on purpose counts before anything it looks like. */
function ended(job: JobView, rest: Partial<StepEnded>): StepEnded {
  const asked = askedReason(job)
  const at = job.completionTime ?? job.startTime ?? job.creationTimestamp
  return {
    phase: 'ended',
    attempt: job.attempt,
    exitCode: null,
    signal: null,
    startedAt: job.startTime ?? job.creationTimestamp,
    endedAt: at,
    ...rest,
    reason: rest.reason === undefined ? asked : rest.reason,
    message: rest.message ?? (asked ? (job.annotations[ANNOTATION.endMessage] ?? null) : null),
  }
}

function said(what: string | null, message: string | null): string {
  return [what, message].filter(Boolean).join(': ').slice(0, 1000)
}

function withReceipt<S extends StepState>(state: S, receipt: IsolationReceipt | null): S {
  return receipt && state.phase !== 'absent' && state.phase !== 'waiting' ? { ...state, receipt } : state
}
