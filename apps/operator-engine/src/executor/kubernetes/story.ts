import { toError, type Logger } from '@c2d/runtime'
import type { JobClaim, JobNote } from '../executor.ts'
import { adoptJob, listAdoptees } from './adopt-job.ts'
import { buildEvent, buildEventName } from './build-event.ts'
import type { ClusterClient } from './cluster-client.ts'
import { isRefusedWith } from './cluster-error.ts'
import { buildJobName } from './names.ts'
import type { NamespaceRoom } from './namespace-room.ts'
import { buildPath } from './paths.ts'

/** What may wait to be written; beyond it the newest is left out, as the cluster is the slower one then. */
const MAX_WAITING = 2_000

/** Shows people with `kubectl` who holds a job and what happened to it: labels and Events. */
export interface Story {
  /** See `Executor.tell`. */
  tell(room: NamespaceRoom, jobId: string, claim: JobClaim, notes: readonly JobNote[]): void
  /** The job is gone: what was told of it need not be remembered. */
  forget(jobId: string): void
}

/**
 * Writes behind the work, one call after the other, so that no job waits for it. Nothing here is needed by any job:
 * where the cluster refuses Events, that is said once.
 */
export function createStory(options: { signal: AbortSignal }, deps: { client: ClusterClient; log: Logger }): Story {
  const { signal } = options
  const { client, log } = deps
  /** Names of Events, by job. */
  const told = new Map<string, Set<string>>()
  const waiting: (() => Promise<void>)[] = []
  const adopting = new Set<string>()
  let isWriting = false
  /** Namespaces in which this engine may not write Events. */
  const refused = new Set<string>()

  function enqueue(write: () => Promise<void>): boolean {
    if (waiting.length >= MAX_WAITING) return false
    waiting.push(write)
    if (!isWriting) void writeAll()
    return true
  }

  async function writeAll(): Promise<void> {
    isWriting = true
    while (waiting.length > 0) {
      try {
        await waiting.shift()?.()
      } catch (thrown) {
        if (signal.aborted) waiting.length = 0
        else log.warn({ err: toError(thrown) }, 'could not show a job’s story on the cluster')
      }
    }
    isWriting = false
  }

  function adopt(room: NamespaceRoom, jobId: string, claim: JobClaim): void {
    if (adopting.has(jobId)) return
    const adoptees = listAdoptees(room, jobId, claim.epoch)
    if (adoptees.length === 0) return
    const isEnqueued = enqueue(async () => {
      try {
        await adoptJob(room, adoptees, claim, client)
      } finally {
        adopting.delete(jobId)
      }
    })
    if (isEnqueued) adopting.add(jobId)
  }

  function note(room: NamespaceRoom, jobId: string, claim: JobClaim, what: JobNote): void {
    const name = buildEventName(jobId, claim, what)
    const names = told.get(jobId) ?? new Set()
    const anchor = room.findAnchor(jobId)
    if (refused.has(room.namespace) || names.has(name) || !anchor) return
    const job = what.step ? room.jobs.get(buildJobName(jobId, what.step.name, what.step.attempt)) : undefined
    const { namespace } = room
    const subject = { jobId, namespace, labels: anchor.labels, uid: what.step ? job?.uid : anchor.uid }
    const event = buildEvent(subject, claim, what, new Date())
    const isEnqueued = enqueue(async () => {
      try {
        await client.create(buildPath(namespace, 'events'), event)
      } catch (thrown) {
        if (isRefusedWith(thrown, 409)) return // told already, by whoever held the job before
        if (!isRefusedWith(thrown, 403)) throw thrown
        refused.add(namespace)
        log.warn({ namespace, err: toError(thrown) }, 'this engine may not write Events here: none are written')
      }
    })
    if (isEnqueued) told.set(jobId, names.add(name))
  }

  return {
    tell(room, jobId, claim, notes) {
      adopt(room, jobId, claim)
      for (const what of notes) note(room, jobId, claim, what)
    },
    forget: (jobId) => void told.delete(jobId),
  }
}
