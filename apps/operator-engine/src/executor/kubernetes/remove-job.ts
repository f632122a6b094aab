import type { ClusterClient } from './cluster-client.ts'
import { isRefusedWith } from './cluster-error.ts'
import { STEP_NAMES } from '../executor.ts'
import { LABEL, buildFilesName } from './names.ts'
import type { NamespaceRoom } from './namespace-room.ts'
import { buildPath, type Kind } from './paths.ts'

const GIVE_UP_MS = 120_000
const LOOK_AGAIN_MS = 500

/**
 * Deletes everything of a job in a namespace, and confirms it: returns when the cluster has none of it any more. The
 * anchor goes last, so that what a crash leaves behind is still found by it. Deletions name what they mean by uid: an
 * engine that is late deletes nothing that was made after it looked.
 * @throws Error when something does not go within two minutes, naming it
 */
export async function removeJob(
  room: NamespaceRoom,
  jobId: string,
  deps: { client: ClusterClient; nextMove: (jobId: string, timeoutMs: number) => Promise<void> },
): Promise<void> {
  const { client, nextMove } = deps
  const { namespace } = room
  await room.refresh(jobId)

  async function drop(kind: Kind, name: string, options: Parameters<ClusterClient['delete']>[1]): Promise<void> {
    try {
      await client.delete(buildPath(namespace, kind, name), options)
    } catch (thrown) {
      // Gone, or another of its name.
      if (!isRefusedWith(thrown, 404, 409)) throw thrown
    }
  }
  const here = <T extends { jobId: string }>(objects: IterableIterator<T>): T[] =>
    [...objects].filter((object) => object.jobId === jobId)

  const jobs = here(room.jobs.values())
  const claims = here(room.claims.values())
  const attemptsOf = (step: string): number =>
    Math.max(1, ...jobs.filter(({ component }) => component === step).map(({ attempt }) => attempt))
  const secrets = STEP_NAMES.filter((step) => step !== 'algorithm').flatMap((step) =>
    Array.from({ length: attemptsOf(step) }, (_, index) => buildFilesName(jobId, step, index + 1)),
  )
  const hasAnything = room.anchors.get(jobId) !== undefined || jobs.length > 0 || claims.length > 0
  if (hasAnything) {
    await Promise.all([
      ...jobs.map(({ name, uid }) => drop('jobs', name, { uid, propagationPolicy: 'Background' })),
      ...room.podsOf(jobId).map(({ name, uid }) => drop('pods', name, { uid, gracePeriodSeconds: 1 })),
      ...claims.map(({ name, uid }) => drop('persistentvolumeclaims', name, { uid })),
      ...secrets.map((name) => drop('secrets', name, {})),
    ])
  }

  const giveUpAtMs = Date.now() + GIVE_UP_MS
  for (;;) {
    const pods = room.podsOf(jobId)
    const left = [...here(room.jobs.values()), ...pods, ...here(room.claims.values())].map(({ name }) => name)
    if (left.length === 0) break
    if (Date.now() > giveUpAtMs) throw new Error(`of job ${jobId} these do not go: ${left.join(', ')}`)
    // One that a Job made in the moment of its deletion.
    for (const pod of pods) {
      if (!pod.deletionTimestamp) await drop('pods', pod.name, { uid: pod.uid, gracePeriodSeconds: 1 })
    }
    await nextMove(jobId, LOOK_AGAIN_MS)
  }
  // The watches say that nothing is left; the cluster itself has the last word.
  await room.refresh(jobId)
  if (room.podsOf(jobId).length > 0 || here(room.claims.values()).length > 0) {
    throw new Error(`something of job ${jobId} came back while it was removed (${LABEL.workflow}=${jobId})`)
  }
  for (const { name, uid } of here(room.anchors.values())) {
    await drop('configmaps', name, { uid })
    room.anchors.forget(name, uid)
  }
}
