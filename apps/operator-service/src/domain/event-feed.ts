import { listEventsSince, type NumberedEvent } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { toError, type Logger } from '@c2d/runtime'

/** Tells many followers what happens to their jobs. */
export interface EventFeed {
  /**
   * Waits until something happened to a job after an event.
   * @returns what happened, in order; nothing when the signal aborts, or the feed closes
   */
  next(jobId: string, afterId: string, signal: AbortSignal): Promise<NumberedEvent[]>
  /** Whether the feed was closed: nothing more is coming. */
  isClosed(): boolean
  /** Lets go of everybody who waits. */
  close(): void
}

interface Waiter {
  jobId: string
  afterId: string
  resolve: (events: NumberedEvent[]) => void
}

/**
 * One reading of the database serves all followers, and none is made while nobody waits: a hundred open streams cost
 * what one does. Reading, not listening: not every change of a job is announced by NOTIFY.
 * @param options.pollMs pause between two readings
 */
export function createEventFeed(options: { pollMs: number }, deps: { db: Database; log: Logger }): EventFeed {
  const waiters = new Set<Waiter>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  function schedule(): void {
    if (timer || isClosed || waiters.size === 0) return
    timer = setTimeout(() => void read(), options.pollMs)
  }

  async function read(): Promise<void> {
    const asking = [...waiters]
    try {
      const news = await listEventsSince(deps.db, oldestOf(asking))
      for (const waiter of asking) {
        const events = (news.get(waiter.jobId) ?? []).filter((event) => BigInt(event.id) > BigInt(waiter.afterId))
        if (events.length > 0) waiter.resolve(events)
      }
    } catch (thrown) {
      // The followers go on waiting: the next reading brings what this one missed.
      deps.log.warn({ err: toError(thrown) }, 'could not read events')
    }
    timer = undefined
    schedule()
  }

  return {
    isClosed: () => isClosed,
    next: (jobId, afterId, signal) =>
      new Promise((resolve) => {
        const finish = (events: NumberedEvent[]): void => {
          waiters.delete(waiter)
          signal.removeEventListener('abort', giveUp)
          resolve(events)
        }
        const giveUp = (): void => finish([])
        const waiter = { jobId, afterId, resolve: finish }
        if (isClosed || signal.aborted) {
          resolve([])
          return
        }
        signal.addEventListener('abort', giveUp)
        waiters.add(waiter)
        schedule()
      }),
    close() {
      isClosed = true
      clearTimeout(timer)
      for (const waiter of waiters) waiter.resolve([])
    },
  }
}

/** One entry a job, at the place of the follower who is furthest behind. */
function oldestOf(waiters: readonly Waiter[]): { jobId: string; afterId: string }[] {
  const oldest = new Map<string, string>()
  for (const { jobId, afterId } of waiters) {
    const known = oldest.get(jobId)
    if (known === undefined || BigInt(afterId) < BigInt(known)) oldest.set(jobId, afterId)
  }
  return [...oldest].map(([jobId, afterId]) => ({ jobId, afterId }))
}
