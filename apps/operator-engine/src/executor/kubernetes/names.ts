import type { StepName } from '../executor.ts'

/** What a component label may say: a step, or the small Job that empties the inputs of a job. */
export type Component = StepName | 'discard'

/** Labels of everything we make; `workflow` and `component` are the original's (operator-engine-behaviour §5.4). */
export const LABEL = {
  managedBy: 'app.kubernetes.io/managed-by',
  app: 'app',
  workflow: 'workflow',
  component: 'component',
  attempt: 'c2d/attempt',
  /** Of the claim under which it was made, or was adopted while it was under way (DESIGN §4.11). */
  epoch: 'epoch',
  environment: 'c2d/environment',
  egress: 'c2d/egress',
} as const

/** Annotations of a Job of ours: what must be known of a step whoever reads it, and how it came to be ended. */
export const ANNOTATION = {
  /** Why the step was ended or will never begin; written once. */
  endReason: 'c2d/end-reason',
  endMessage: 'c2d/end-message',
  /** When it was given up as its node does not answer: nobody can say any more how it ends. */
  lost: 'c2d/lost',
  /** Held back by us until the job's configure pod has its place: see `isReleasable`. */
  held: 'c2d/held',
  logBytes: 'c2d/log-bytes',
  maxDurationSeconds: 'c2d/max-duration-seconds',
  graceSeconds: 'c2d/grace-seconds',
  /** Of an anchor: the engine that holds the job. */
  heldBy: 'c2d/held-by',
} as const

/** Who makes the objects: the value that every watch of ours selects by. */
export const MANAGER = 'c2d-operator-engine'

/** Name of the container a step's own command runs in, as in the original. */
export const MAIN_CONTAINER = 'workflow-executor'

/** Names of our own containers that run before it. */
export const GATE_CONTAINER = 'seal-gate'
export const EMPTY_CONTAINER = 'empty-folders'

/** The object all others of a job belong to; deleting it deletes them. */
export function buildAnchorName(jobId: string): string {
  return jobId
}

/** The volume of a job. */
export function buildClaimName(jobId: string): string {
  return `${jobId}-data`
}

/** The Job of an attempt of a step. @param attempt from 1 */
export function buildJobName(jobId: string, component: Component, attempt: number): string {
  return `${jobId}-${component}-job${attempt === 1 ? '' : `-${attempt}`}`
}

/** The Secret with the private files of an attempt of a step. @param attempt from 1 */
export function buildFilesName(jobId: string, step: StepName, attempt: number): string {
  return `${jobId}-${step}-files${attempt === 1 ? '' : `-${attempt}`}`
}

/** The labels of an object of a job. */
export function buildLabels(jobId: string, environment: string): Record<string, string> {
  return {
    [LABEL.managedBy]: MANAGER,
    [LABEL.app]: jobId,
    [LABEL.workflow]: jobId,
    [LABEL.environment]: toLabelValue(environment),
  }
}

/** A text as a label's value: an environment's id may hold more than Kubernetes allows in one. */
export function toLabelValue(text: string): string {
  const safe = text.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 63)
  return safe.replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
}
