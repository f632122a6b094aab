import type { StepEndReason } from '../executor.ts'
import { ANNOTATION, GATE_CONTAINER, MAIN_CONTAINER } from './names.ts'
import { isPassingRefusal } from './passing-refusal.ts'
import { askedReason, findMain, isOver, readLost, readStep, type StepObjects } from './read-step.ts'
import type { ContainerView, PodView } from './views.ts'

/** How long what may still come right is waited for. */
export interface Patience {
  /** Milliseconds for a pod to find a place, or for the cluster to accept it. */
  placeMs: number
  /** Milliseconds from its place to the start of its first container. */
  startMs: number
  /** Milliseconds for a kubelet to end a pod that was deleted, its grace not counted. */
  lostMs: number
}

/** What to do about a step besides waiting. */
export type Remedy =
  | { do: 'giveUp'; reason: StepEndReason; message: string }
  /** Lower the pod's own deadline, which kubelet holds without us. @see DESIGN §4.13 */
  | { do: 'tighten'; seconds: number }
  /** Note that nobody can say any more how it ends. */
  | { do: 'lose' }
  /** Ask the cluster why a Job has no pod. */
  | { do: 'askWhy' }

/** How long a pull that may succeed next time, or a container that cannot be made yet, is waited for, in milliseconds. */
const FLAKE_MS = 60_000
/** How long a Job may be without a pod before the cluster is asked why, in milliseconds. */
const NO_POD_MS = 3_000
/** How long an algorithm has run before its pod's deadline is worth an API call, in milliseconds. */
const TIGHTEN_AFTER_MS = 1_000

const NEVER_PULLED = /not found|no such|unauthorized|denied|forbidden|manifest unknown|no match for platform|invalid/i

/**
 * What keeps a step from starting and will not pass, or not in time; and the deadline of one that has started. Pure.
 * Nothing that still waits is ended by looking at it: only what comes of `giveUp` is, durably, before anybody is told.
 */
export function decideRemedy({ job, pod }: StepObjects, patience: Patience, nowMs: number): Remedy | null {
  if (readLost(job)) return null
  if (pod && isLost(pod, patience, nowMs)) return { do: 'lose' }
  if (askedReason(job)) return null
  const state = readStep({ job, pod })
  if (state.phase === 'running' && pod) {
    return nowMs - state.startedAt.getTime() < TIGHTEN_AFTER_MS ? null : tighten(job, pod, state.startedAt)
  }
  if (state.phase !== 'waiting' || job.suspended) return null
  if (!pod) {
    const waitedMs = nowMs - job.creationTimestamp.getTime()
    if (waitedMs > patience.placeMs) {
      return { do: 'giveUp', reason: 'Unschedulable', message: 'the cluster made no pod for it' }
    }
    return waitedMs > NO_POD_MS ? { do: 'askWhy' } : null
  }
  return giveUpOn(pod, patience, nowMs)
}

/**
 * A node that dies leaves its pods as they were, running; the cluster deletes them after a minute, and nobody carries that out.
 * The time of a deletion counts its grace already.
 */
function isLost(pod: PodView, patience: Patience, nowMs: number): boolean {
  if (!pod.deletionTimestamp || isOver(pod) || findMain(pod)?.state.terminated) return false
  return nowMs - pod.deletionTimestamp.getTime() > patience.lostMs
}

function giveUpOn(pod: PodView, patience: Patience, nowMs: number): Remedy | null {
  const scheduled = pod.conditions.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.status === 'False' || !pod.nodeName) {
    const sinceMs = (scheduled?.lastTransitionTime ?? pod.creationTimestamp).getTime()
    if (nowMs - sinceMs <= patience.placeMs) return null
    const message = scheduled?.message ?? 'no scheduler has looked at it: is one running?'
    return { do: 'giveUp', reason: 'Unschedulable', message }
  }
  const sinceMs = (pod.startTime ?? pod.creationTimestamp).getTime()
  const waitedMs = nowMs - sinceMs
  for (const container of [...pod.initContainerStatuses, ...pod.containerStatuses]) {
    const given = giveUpOnContainer(container, waitedMs)
    if (given) return given
  }
  // A gate that runs waits for staging or for the seal, and has a limit of its own.
  const isAtWork = pod.initContainerStatuses.some(({ name, state }) => name === GATE_CONTAINER && !state.waiting)
  if (isAtWork || findMain(pod)?.state.running || waitedMs <= patience.startMs) return null
  return { do: 'giveUp', reason: 'StartFailed', message: pod.message ?? 'its containers did not start in time' }
}

function giveUpOnContainer({ name, state }: ContainerView, waitedMs: number): Remedy | null {
  const waiting = state.waiting
  if (!waiting?.reason) return null
  const message = `${name}: ${[waiting.reason, waiting.message].filter(Boolean).join(': ')}`.slice(0, 1000)
  // An image of our own that cannot be pulled is no fault of the algorithm's author.
  const pullReason: StepEndReason = name === MAIN_CONTAINER ? 'ImagePullFailed' : 'StartFailed'
  switch (waiting.reason) {
    case 'InvalidImageName':
    case 'ErrImageNeverPull':
      return { do: 'giveUp', reason: pullReason, message }
    case 'ErrImagePull':
    case 'ImagePullBackOff':
    case 'RegistryUnavailable':
    case 'ImageInspectError':
      return waitedMs > FLAKE_MS || NEVER_PULLED.test(waiting.message ?? '')
        ? { do: 'giveUp', reason: pullReason, message }
        : null
    case 'CreateContainerConfigError':
    case 'CreateContainerError':
    case 'RunContainerError':
    case 'PreStartHookError':
      return waitedMs > FLAKE_MS ? { do: 'giveUp', reason: 'StartFailed', message } : null
    default:
      return null // on its way
  }
}

function tighten(job: StepObjects['job'], pod: PodView, startedAt: Date): Remedy | null {
  const limit = Number(job.annotations[ANNOTATION.maxDurationSeconds])
  const grace = Number(job.annotations[ANNOTATION.graceSeconds])
  if (!Number.isFinite(limit + grace) || pod.activeDeadlineSeconds === null) return null
  const beforeMs = startedAt.getTime() - (pod.startTime ?? startedAt).getTime()
  // One second more: the engine, which is exact, comes first.
  const seconds = Math.max(1, Math.ceil(beforeMs / 1000) + limit + 1)
  return seconds < pod.activeDeadlineSeconds ? { do: 'tighten', seconds } : null
}

/** What an Event about a Job without a pod means. @returns null where waiting may help */
export function readRefusal(message: string): { reason: StepEndReason; message: string } | null {
  // A quota frees itself as other jobs end; what an admission rule forbids it will forbid again.
  if (/exceeded quota/i.test(message) || isPassingRefusal(message)) return null
  return /forbidden|invalid|denied|violates|not found|no .* found/i.test(message)
    ? { reason: 'StartFailed', message: message.slice(0, 1000) }
    : null
}
