import { STEP_NAMES, type JobClaim } from '../executor.ts'
import type { ClusterClient } from './cluster-client.ts'
import { isRefusedWith } from './cluster-error.ts'
import { ANNOTATION, LABEL } from './names.ts'
import type { NamespaceRoom } from './namespace-room.ts'
import { buildPath, type Kind } from './paths.ts'
import { readStep } from './read-step.ts'
import { parseAnchor, parseJob, parsePod } from './views.ts'

interface Adoptee {
  kind: Kind
  name: string
  resourceVersion: string
  labels: Readonly<Record<string, string>>
  /** Takes in what the cluster answers. */
  take: (answer: unknown) => void
}

/**
 * What of a job says an older epoch than the claim it is held under: its anchor, and what is under way. A step that is
 * over keeps the epoch it ran under.
 */
export function listAdoptees(room: NamespaceRoom, jobId: string, epoch: number): Adoptee[] {
  const { anchors, jobs, pods } = room
  const anchor = room.findAnchor(jobId)
  const observed = room.observe(jobId).steps
  const steps = STEP_NAMES.flatMap((step) => {
    const state = observed[step]
    const objects = state.phase === 'absent' ? null : room.findAttempt(jobId, step, state.attempt)
    return objects && readStep(objects).phase !== 'ended' ? [objects] : []
  })
  const adoptees: Adoptee[] = [
    ...(anchor
      ? [{ ...anchor, kind: 'configmaps' as const, take: (answer: unknown) => anchors.take(parseAnchor(answer)) }]
      : []),
    ...steps.flatMap(({ job, pod }) => [
      { ...job, kind: 'jobs' as const, take: (answer: unknown) => jobs.take(parseJob(answer)) },
      ...(pod ? [{ ...pod, kind: 'pods' as const, take: (answer: unknown) => pods.take(parsePod(answer)) }] : []),
    ]),
  ]
  return adoptees.filter(({ labels }) => !(Number(labels[LABEL.epoch] ?? 0) >= epoch))
}

/**
 * Relabels what an engine took over (DESIGN §4.11). For people: nothing is decided by these labels. An object that
 * changed since it was looked at is left for the next look, so that a late engine never puts its epoch over a newer one.
 */
export async function adoptJob(
  room: NamespaceRoom,
  adoptees: readonly Adoptee[],
  { epoch, by }: JobClaim,
  client: ClusterClient,
): Promise<void> {
  for (const { kind, name, resourceVersion, take } of adoptees) {
    const annotations = kind === 'configmaps' ? { annotations: { [ANNOTATION.heldBy]: by } } : {}
    const patch = { metadata: { resourceVersion, labels: { [LABEL.epoch]: String(epoch) }, ...annotations } }
    try {
      take(await client.patch(buildPath(room.namespace, kind, name), patch))
    } catch (thrown) {
      if (!isRefusedWith(thrown, 404, 409)) throw thrown
    }
  }
}
