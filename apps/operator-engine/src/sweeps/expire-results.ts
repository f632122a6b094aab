import { listExpiredResults, markResultsRemoved, noteResultsNotRemoved, type ExpiredResults } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { AppError, toError, type Logger } from '@c2d/runtime'
import type { ResultStore } from '@c2d/storage'

const PAGE = 100
const AT_ONCE = 8
/** So many failures in a row are the backend's, not a job's: the rest is left for later. */
const PATIENCE = 16
const RETRY = { baseMs: 5_000, maxMs: 900_000 }

type Removal = 'removed' | 'refused' | 'unavailable'

/** Removes results whose time is over; one for an engine's life, because it remembers what failed. */
export interface ResultExpiry {
  /** Goes through all that is due now; resolves when that is done or a backend seems to be down. */
  sweep(signal: AbortSignal): Promise<void>
}

/**
 * Removes results that were kept as long as their environment keeps them (operator-engine-behaviour §8, E-17). It
 * works from rows alone, however long a job's workspace is gone. First the objects, then the row: a crash in between
 * removes once more what is gone already, and a row says `expired` only where nothing is left. What failed is tried
 * again, ever more rarely, and holds up nobody else.
 * @param options.environments whose results to look after
 * @param options.by for the timeline
 */
export function createResultExpiry(
  options: { environments: readonly string[]; by: string },
  deps: { db: Database; results: Pick<ResultStore, 'remove'>; nowMs: () => number; log: Logger },
): ResultExpiry {
  const { db, results, nowMs, log } = deps
  const failed = new Map<string, { failures: number; notBeforeMs: number }>()
  let outages = 0
  let pausedUntilMs = -Infinity

  async function remove({ jobId, outputs }: ExpiredResults): Promise<Removal> {
    try {
      await results.remove(
        jobId,
        outputs.flatMap(({ url, copies = [] }) => [url, ...copies]).filter((url) => url !== ''),
      )
      if (await markResultsRemoved(db, { jobId, by: options.by, outputs })) log.info({ jobId }, 'results expired')
      failed.delete(jobId)
      return 'removed'
    } catch (thrown) {
      const failures = (failed.get(jobId)?.failures ?? 0) + 1
      failed.set(jobId, { failures, notBeforeMs: nowMs() + pauseMs(failures) })
      log.error({ jobId, failures, err: toError(thrown) }, 'could not remove expired results')
      const detail = thrown instanceof AppError ? thrown.detail : 'The storage did not delete them.'
      await noteResultsNotRemoved(db, { jobId, by: options.by, detail })
      // What another configuration put somewhere else is this job's affair: nothing says that a place is down.
      return thrown instanceof AppError && !thrown.retryable ? 'refused' : 'unavailable'
    }
  }

  return {
    async sweep(signal) {
      if (nowMs() < pausedUntilMs) return
      const due = new Set<string>()
      let failuresInARow = 0
      let after: ExpiredResults | undefined
      do {
        const page = await listExpiredResults(db, { environments: options.environments, after, limit: PAGE })
        after = page.at(-1)
        for (const { jobId } of page) due.add(jobId)
        const ready = page.filter(({ jobId }) => (failed.get(jobId)?.notBeforeMs ?? -Infinity) <= nowMs())
        while (ready.length > 0) {
          if (signal.aborted) return
          for (const removal of await Promise.all(ready.splice(0, AT_ONCE).map(remove))) {
            if (removal !== 'refused') failuresInARow = removal === 'removed' ? 0 : failuresInARow + 1
          }
          if (failuresInARow < PATIENCE) continue
          outages += 1
          pausedUntilMs = nowMs() + pauseMs(outages)
          return
        }
      } while (after)
      outages = 0
      for (const jobId of failed.keys()) if (!due.has(jobId)) failed.delete(jobId) // another engine did it
    },
  }
}

function pauseMs(failures: number): number {
  return Math.min(RETRY.baseMs * 2 ** (failures - 1), RETRY.maxMs)
}
