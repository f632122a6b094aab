import type { JobClaim, JobNote } from '../executor.ts'
import type { CoreEvent } from './manifest.ts'
import { LABEL, MANAGER, buildAnchorName, buildJobName } from './names.ts'

/** What an Event is about: the object that `kubectl describe` shows it with. */
export interface EventSubject {
  jobId: string
  namespace: string
  /** Labels of the job's anchor. */
  labels: Readonly<Record<string, string>>
  /** Of the step's Job, or of the anchor; absent where it is not there (any more). */
  uid?: string | undefined
}

/**
 * Under which name a note is written: the same for all engines, so that what happened to a step is told once, and what
 * happened to the job once a claim.
 */
export function buildEventName(jobId: string, claim: JobClaim, { reason, step }: JobNote): string {
  return [jobId, ...(step ? [step.name, step.attempt] : [claim.epoch]), reason.toLowerCase()].join('.')
}

/** A note as the Event that `kubectl get events` lists (DESIGN §5); it outlives the job for as long as the cluster keeps Events. */
export function buildEvent(subject: EventSubject, claim: JobClaim, note: JobNote, now: Date): CoreEvent {
  const { jobId, labels, namespace, uid } = subject
  const { isWarning, message, reason, step } = note
  const at = (note.at ?? now).toISOString().replace(/\.\d+Z$/, 'Z')
  const regarding = step
    ? { apiVersion: 'batch/v1', kind: 'Job', name: buildJobName(jobId, step.name, step.attempt) }
    : { apiVersion: 'v1', kind: 'ConfigMap', name: buildAnchorName(jobId) }
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: buildEventName(jobId, claim, note),
      namespace,
      labels: { ...labels, [LABEL.epoch]: String(claim.epoch), ...(step ? { [LABEL.component]: step.name } : {}) },
    },
    involvedObject: { ...regarding, namespace, ...(uid === undefined ? {} : { uid }) },
    reason,
    message: message.slice(0, 1000),
    type: isWarning ? 'Warning' : 'Normal',
    source: { component: MANAGER },
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
    reportingComponent: MANAGER,
    reportingInstance: claim.by.slice(0, 128),
  }
}
