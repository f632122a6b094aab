import { sleep, toError, type Logger } from '@c2d/runtime'
import { z } from 'zod'
import { STEP_NAMES, type StepName } from '../executor.ts'
import type { ClusterClient } from './cluster-client.ts'
import { decideRemedy, readRefusal } from './decide-remedy.ts'
import { endStep, expirePod, loseStep } from './end-step.ts'
import { isHeld, isReleasable, releaseStep } from './release-step.ts'
import { askedReason, readStep, type StepObjects } from './read-step.ts'
import type { NamespaceRoom } from './namespace-room.ts'
import { buildPath } from './paths.ts'
import type { ClusterEnvironment } from './settings.ts'

const LOOK_MS = 1_000
/** How often the cluster is asked why a Job has no pod, in milliseconds: it searches all Events of the namespace for it. */
const ASK_MS = 5_000

const eventsSchema = z.object({
  items: z.array(z.object({ reason: z.string().nullish(), message: z.string().nullish() })),
})

/** Looks after steps that do not start, and after the deadlines of those that have. */
export interface Remedies {
  /** Something of the job changed. */
  look(jobId: string): void
}

/**
 * Carries out what `decideRemedy` says, for jobs that are under way: when one changes, and once a second for those that
 * wait for something, in memory. Any number of engines may do so at once.
 */
export function startRemedies(
  options: {
    rooms: ReadonlyMap<string, NamespaceRoom>
    environments: ReadonlyMap<string, ClusterEnvironment>
    signal: AbortSignal
  },
  deps: { client: ClusterClient; log: Logger },
): Remedies {
  const { rooms, environments, signal } = options
  const { client, log } = deps
  const watched = new Set<string>()
  const busy = new Set<string>()
  /** When the cluster was last asked why a job has no pod, in epoch milliseconds. */
  const askedAtMs = new Map<string, number>()
  /** What moved while it was looked after. */
  const again = new Set<string>()

  async function lookAfter(jobId: string): Promise<void> {
    let isUnderWay = false
    for (const room of rooms.values()) {
      const anchor = room.findAnchor(jobId)
      const environment = environments.get(anchor?.data['environment'] ?? '')
      if (!anchor || !environment) continue
      for (const objects of latestAttempts(room, jobId)) {
        if (readStep(objects).phase === 'ended') continue
        isUnderWay = true
        await treat(room, objects, environment)
      }
    }
    if (isUnderWay) return
    watched.delete(jobId)
    askedAtMs.delete(jobId)
  }

  async function treat(room: NamespaceRoom, objects: StepObjects, environment: ClusterEnvironment): Promise<void> {
    const patience = {
      placeMs: environment.placeSeconds * 1000,
      startMs: environment.startSeconds * 1000,
      lostMs: environment.lostSeconds * 1000,
    }
    const remedy = decideRemedy(objects, patience, Date.now())
    if (remedy?.do === 'lose') {
      log.warn({ jobId: objects.job.jobId, step: objects.job.component }, 'a step is lost with its node')
      return loseStep(room, objects.job, new Date(), client)
    }
    // A deed that was cut off after its reason was written is done again.
    const asked = askedReason(objects.job)
    if (asked) return endStep(room, objects, { reason: asked }, client)
    if (isHeld(objects.job)) {
      if (isReleasable(room, objects.job.jobId, environment.startEarly)) await releaseStep(room, objects.job, client)
      return
    }
    const { jobId, component: step } = objects.job
    switch (remedy?.do) {
      case 'giveUp': {
        const { reason, message } = remedy
        log.warn({ jobId, step, reason, message }, 'a step cannot start')
        return endStep(room, objects, { reason, message }, client)
      }
      case 'tighten':
        return objects.pod ? expirePod(room, objects.pod, remedy.seconds, client) : undefined
      case 'askWhy':
        return askWhy(room, objects)
      case undefined:
    }
  }

  async function askWhy(room: NamespaceRoom, objects: StepObjects): Promise<void> {
    const { jobId } = objects.job
    if (Date.now() - (askedAtMs.get(jobId) ?? 0) < ASK_MS) return
    askedAtMs.set(jobId, Date.now())
    const fieldSelector = `involvedObject.uid=${objects.job.uid},reason=FailedCreate`
    const { items } = eventsSchema.parse(await client.get(buildPath(room.namespace, 'events'), { fieldSelector }))
    const message = items.at(-1)?.message
    const refusal = message ? readRefusal(message) : null
    if (refusal) await endStep(room, objects, refusal, client)
  }

  function visit(jobId: string): void {
    if (signal.aborted) return
    if (busy.has(jobId)) {
      again.add(jobId)
      return
    }
    busy.add(jobId)
    lookAfter(jobId)
      .catch((thrown: unknown) => {
        // It is looked at again in a second.
        if (!signal.aborted) log.warn({ jobId, err: toError(thrown) }, 'could not look after a step')
      })
      .finally(() => {
        busy.delete(jobId)
        if (again.delete(jobId)) visit(jobId)
      })
  }

  async function goRound(): Promise<void> {
    while (!signal.aborted) {
      await sleep(LOOK_MS, signal)
      for (const jobId of watched) visit(jobId)
    }
  }
  void goRound()

  return {
    look(jobId) {
      watched.add(jobId)
      visit(jobId)
    },
  }
}

function latestAttempts(room: NamespaceRoom, jobId: string): StepObjects[] {
  return STEP_NAMES.flatMap((step: StepName) => {
    let latest: StepObjects | null = null
    for (let attempt = 1; ; attempt++) {
      const objects = room.findAttempt(jobId, step, attempt)
      if (!objects) return latest ? [latest] : []
      latest = objects
    }
  })
}
