import type { Logger } from '@c2d/runtime'
import { z } from 'zod'
import { STEP_NAMES, type JobState, type StepEnded, type StepName, type StepState } from '../executor.ts'
import { REFUSED_VOLUME, readMemory } from './anchor-memory.ts'
import type { ClusterClient } from './cluster-client.ts'
import { LABEL, MANAGER, buildAnchorName, buildClaimName, buildJobName, type Component } from './names.ts'
import { buildPath } from './paths.ts'
import { readStep, type StepObjects } from './read-step.ts'
import {
  parseAnchor,
  parseClaim,
  parseJob,
  parsePod,
  type AnchorView,
  type ClaimView,
  type JobView,
  type PodView,
} from './views.ts'
import { explainByVolume } from './volume-room.ts'
import { watchObjects, type ObjectCache } from './watch-objects.ts'

/** What one namespace holds of our jobs, kept current by four watches. */
export interface NamespaceRoom {
  readonly namespace: string
  readonly anchors: ObjectCache<AnchorView>
  readonly claims: ObjectCache<ClaimView>
  readonly jobs: ObjectCache<JobView>
  readonly pods: ObjectCache<PodView>
  /** Storage classes that were seen to make a volume only for its first pod. */
  readonly lateClasses: ReadonlySet<string>
  /** The anchor of a job, unless it is being deleted. */
  findAnchor(jobId: string): AnchorView | undefined
  /** The Job of an attempt and its newest pod. */
  findAttempt(jobId: string, component: Component, attempt: number): StepObjects | null
  /** What is known of an attempt, also where only the anchor remembers it. */
  observeAttempt(jobId: string, step: StepName, attempt: number): StepState
  observe(jobId: string): JobState
  podsOf(jobId: string): PodView[]
  /** Every job it holds anything of. */
  jobIds(): Set<string>
  /** Reads the objects of one job from the API server: the watch may be a moment behind. */
  refresh(jobId: string): Promise<void>
}

export const SELECTOR = `${LABEL.managedBy}=${MANAGER}`

/**
 * Opens a namespace: lists what is there, and watches from then on.
 * @param deps.onMove for each job one of whose objects changed
 * @throws ClusterError when the engine may not list there
 */
export async function openNamespaceRoom(
  options: { namespace: string; signal: AbortSignal },
  deps: { client: ClusterClient; onMove: (jobId: string) => void; log: Logger },
): Promise<NamespaceRoom> {
  const { namespace, signal } = options
  const { client, log } = deps
  const podNames = new Map<string, Set<string>>()
  const onChange = ({ jobId }: { jobId: string }): void => {
    if (jobId !== '') deps.onMove(jobId)
  }
  const onPod = (pod: PodView, isGone: boolean): void => {
    const names = podNames.get(pod.owner) ?? new Set()
    if (isGone) names.delete(pod.name)
    else names.add(pod.name)
    if (names.size === 0) podNames.delete(pod.owner)
    else podNames.set(pod.owner, names)
    onChange(pod)
  }
  const lateClasses = new Set<string>()
  const onClaim = (claim: ClaimView): void => {
    if (claim.followsPod) lateClasses.add(claim.storageClass)
    onChange(claim)
  }
  const shared = { labelSelector: SELECTOR, signal }
  const [anchors, claims, jobs, pods] = await Promise.all([
    watchObjects(
      { ...shared, path: buildPath(namespace, 'configmaps'), parse: parseAnchor },
      { client, log, onChange },
    ),
    watchObjects(
      { ...shared, path: buildPath(namespace, 'persistentvolumeclaims'), parse: parseClaim },
      { client, log, onChange: onClaim },
    ),
    watchObjects({ ...shared, path: buildPath(namespace, 'jobs'), parse: parseJob }, { client, log, onChange }),
    watchObjects({ ...shared, path: buildPath(namespace, 'pods'), parse: parsePod }, { client, log, onChange: onPod }),
  ])

  function findAnchor(jobId: string): AnchorView | undefined {
    const anchor = anchors.get(buildAnchorName(jobId))
    return anchor && anchor.jobId === jobId && !anchor.deletionTimestamp ? anchor : undefined
  }

  function findAttempt(jobId: string, component: Component, attempt: number): StepObjects | null {
    const name = buildJobName(jobId, component, attempt)
    const job = jobs.get(name)
    if (!job || job.deletionTimestamp) return null
    const found = [...(podNames.get(name) ?? [])].flatMap((podName) => pods.get(podName) ?? [])
    found.sort((a, b) => b.creationTimestamp.getTime() - a.creationTimestamp.getTime())
    return { job, pod: found[0] ?? null }
  }

  function observeAttempt(jobId: string, step: StepName, attempt: number): StepState {
    const objects = findAttempt(jobId, step, attempt)
    if (objects) return readStep(objects)
    const memory = readMemory(findAnchor(jobId), step, attempt)
    if (!memory) return { phase: 'absent' }
    const { refused } = memory
    return {
      phase: 'ended',
      attempt,
      exitCode: null,
      signal: null,
      reason: refused?.reason ?? 'Evicted',
      message: refused?.message ?? 'its Job was deleted',
      startedAt: memory.at,
      endedAt: memory.at,
    } satisfies StepEnded
  }

  /** The latest attempt: the next one can only begin when one has ended. */
  function observeStep(jobId: string, step: StepName): StepState {
    let latest = observeAttempt(jobId, step, 1)
    while (latest.phase === 'ended') {
      const next = observeAttempt(jobId, step, latest.attempt + 1)
      if (next.phase === 'absent') break
      latest = next
    }
    return latest
  }

  function observeSteps(jobId: string): JobState['steps'] {
    const steps = Object.fromEntries(STEP_NAMES.map((step) => [step, observeStep(jobId, step)])) as JobState['steps']
    const { publish } = steps
    const attempts = publish.phase === 'absent' ? 0 : publish.attempt
    const pods = Array.from({ length: attempts }, (_, index) => findAttempt(jobId, 'publish', index + 1)?.pod ?? null)
    return { ...steps, algorithm: explainByVolume(steps.algorithm, pods) }
  }

  return {
    namespace,
    anchors,
    claims,
    jobs,
    pods,
    lateClasses,
    findAnchor,
    findAttempt,
    observeAttempt,
    observe(jobId) {
      const anchor = findAnchor(jobId)
      const claim = claims.get(buildClaimName(jobId))
      const hasVolume = claim !== undefined && !claim.deletionTimestamp
      return {
        prepared: anchor !== undefined && (hasVolume || anchor.data[REFUSED_VOLUME] !== undefined),
        steps: observeSteps(jobId),
      }
    },
    podsOf: (jobId) => [...pods.values()].filter((pod) => pod.jobId === jobId),
    jobIds() {
      const found = [anchors, claims, jobs, pods].flatMap((cache) => [...cache.values()].map(({ jobId }) => jobId))
      return new Set(found)
    },
    async refresh(jobId) {
      const labelSelector = `${SELECTOR},${LABEL.workflow}=${jobId}`
      const read = async <T extends { name: string; uid: string; resourceVersion: string; jobId: string }>(
        cache: ObjectCache<T>,
        path: string,
        parse: (value: unknown) => T,
      ): Promise<void> => {
        const before = [...cache.values()].filter((object) => object.jobId === jobId)
        const { items } = listSchema.parse(await client.get(path, { labelSelector }))
        const found = items.map(parse)
        for (const object of found) cache.refresh(object)
        for (const object of before) {
          if (!found.some(({ uid }) => uid === object.uid)) cache.forget(object.name, object.uid)
        }
      }
      await Promise.all([
        read(anchors, buildPath(namespace, 'configmaps'), parseAnchor),
        read(claims, buildPath(namespace, 'persistentvolumeclaims'), parseClaim),
        read(jobs, buildPath(namespace, 'jobs'), parseJob),
        read(pods, buildPath(namespace, 'pods'), parsePod),
      ])
    },
  }
}

const listSchema = z.object({ items: z.array(z.unknown()) })
