import { STEP_NAMES } from '../executor.ts'
import type { ClusterClient } from './cluster-client.ts'
import { isRefusedWith } from './cluster-error.ts'
import { ANNOTATION } from './names.ts'
import type { NamespaceRoom } from './namespace-room.ts'
import { buildPath } from './paths.ts'
import { askedReason } from './read-step.ts'
import { parseJob, type JobView } from './views.ts'

/**
 * Whether an algorithm of the job may take a place: once its configure pod has one, or is over. A cluster full of
 * algorithms that wait for a staging which has no room left would wait for ever.
 * @param startEarly false: only once its configure pod is over, as its own pod would hold a scarce device
 */
export function isReleasable(room: NamespaceRoom, jobId: string, startEarly: boolean): boolean {
  const { configure } = room.observe(jobId).steps
  if (configure.phase === 'ended' || configure.phase === 'absent') return true
  if (!startEarly) return false
  if (configure.phase === 'running') return true
  return room.findAttempt(jobId, STEP_NAMES[0], configure.attempt)?.pod?.nodeName != null
}

/** Whether a Job is held back by us, and by nobody's wish to end it. */
export function isHeld(job: JobView): boolean {
  return job.suspended && job.annotations[ANNOTATION.held] !== undefined && askedReason(job) === null
}

/** Lets a held Job make its pod. Somebody who wrote to it meanwhile is not overwritten: it is looked at again. */
export async function releaseStep(room: NamespaceRoom, job: JobView, client: ClusterClient): Promise<void> {
  const patch = { metadata: { resourceVersion: job.resourceVersion }, spec: { suspend: false } }
  try {
    room.jobs.take(parseJob(await client.patch(buildPath(room.namespace, 'jobs', job.name), patch)))
  } catch (thrown) {
    if (!isRefusedWith(thrown, 404, 409)) throw thrown
  }
}
