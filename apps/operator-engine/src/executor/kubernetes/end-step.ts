import type { StepEndReason } from '../executor.ts'
import type { ClusterClient } from './cluster-client.ts'
import { isRefusedWith } from './cluster-error.ts'
import { ANNOTATION } from './names.ts'
import type { NamespaceRoom } from './namespace-room.ts'
import { buildPath } from './paths.ts'
import { askedReason, findMain, readStep, type StepObjects } from './read-step.ts'
import { parseJob, parsePod, type JobView, type PodView } from './views.ts'

const CONFLICTS = 5

/**
 * Ends an attempt for a reason that stays: first the reason, on its Job, then the deed. What runs gets a deadline in the
 * past, which kubelet holds with the pod's grace, and which leaves its log and exit code to be read; what has not begun
 * is held back for good, and its pod deleted. The first reason counts.
 */
export async function endStep(
  room: NamespaceRoom,
  objects: StepObjects,
  why: { reason: StepEndReason; message?: string },
  client: ClusterClient,
): Promise<void> {
  if (readStep(objects).phase === 'ended') return
  const { pod } = objects
  const hasBegun = findMain(pod)?.state.running != null
  const job = await writeReason(room, objects.job, why, !hasBegun, client)
  if (!job || !pod) return
  if (hasBegun) await expirePod(room, pod, 1, client)
  else await deletePod(room, pod, client)
}

/**
 * Gives up an attempt whose node does not answer. What stands on its Job stays, also when the node is back; its pod is left to
 * the cluster, which alone may know that nothing of it runs any more.
 */
export async function loseStep(room: NamespaceRoom, job: JobView, at: Date, client: ClusterClient): Promise<void> {
  const metadata = { resourceVersion: job.resourceVersion, annotations: { [ANNOTATION.lost]: at.toISOString() } }
  try {
    room.jobs.take(parseJob(await client.patch(buildPath(room.namespace, 'jobs', job.name), { metadata })))
  } catch (thrown) {
    if (!isRefusedWith(thrown, 404, 409)) throw thrown // looked at again in a second
  }
}

/** Lowers a pod's own deadline: seconds from the pod's start. */
export async function expirePod(
  room: NamespaceRoom,
  pod: PodView,
  seconds: number,
  client: ClusterClient,
): Promise<void> {
  // A deed that is done twice is the same deed.
  if (pod.activeDeadlineSeconds !== null && pod.activeDeadlineSeconds <= seconds) return
  try {
    const patch = { metadata: { uid: pod.uid }, spec: { activeDeadlineSeconds: seconds } }
    room.pods.take(parsePod(await client.patch(buildPath(room.namespace, 'pods', pod.name), patch)))
  } catch (thrown) {
    // Gone, another of its name, or one that somebody gave less time already.
    if (!isRefusedWith(thrown, 404, 409, 422)) throw thrown
  }
}

/** Deletes a pod that has nothing worth waiting for. */
export async function deletePod(room: NamespaceRoom, pod: PodView, client: ClusterClient): Promise<void> {
  if (pod.deletionTimestamp) return
  try {
    await client.delete(buildPath(room.namespace, 'pods', pod.name), { uid: pod.uid, gracePeriodSeconds: 1 })
  } catch (thrown) {
    if (!isRefusedWith(thrown, 404, 409)) throw thrown
  }
}

async function writeReason(
  room: NamespaceRoom,
  known: JobView,
  { reason, message }: { reason: StepEndReason; message?: string },
  holdBack: boolean,
  client: ClusterClient,
): Promise<JobView | null> {
  const path = buildPath(room.namespace, 'jobs', known.name)
  let job = known
  for (let attempt = 0; attempt < CONFLICTS; attempt++) {
    const isSaid = askedReason(job) !== null
    if (isSaid && (job.suspended || !holdBack)) return job
    const annotations = isSaid
      ? {}
      : {
          [ANNOTATION.endReason]: reason,
          ...(message === undefined ? {} : { [ANNOTATION.endMessage]: message.slice(0, 1000) }),
        }
    const patch = {
      metadata: { resourceVersion: job.resourceVersion, annotations },
      ...(holdBack ? { spec: { suspend: true } } : {}),
    }
    try {
      const written = parseJob(await client.patch(path, patch))
      room.jobs.take(written)
      return written
    } catch (thrown) {
      if (isRefusedWith(thrown, 404)) return null
      if (!isRefusedWith(thrown, 409)) throw thrown
    }
    job = parseJob(await client.get(path))
    if (job.uid !== known.uid) return null
    room.jobs.take(job)
  }
  throw new Error(`the Job ${known.name} changes faster than it can be ended`)
}
