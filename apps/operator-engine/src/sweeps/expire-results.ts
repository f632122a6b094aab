import { listExpiredResults, markResultsRemoved } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { toError, type Logger } from '@c2d/runtime'
import type { ResultStore } from '@c2d/storage'

/**
 * Removes results that were kept as long as their environment keeps them (operator-engine-behaviour §8, E-17). First
 * the files, then the row: a crash in between removes once more what is gone already.
 */
export async function expireResults(
  options: { environments: readonly string[]; by: string },
  deps: { db: Database; results: Pick<ResultStore, 'remove'>; log: Logger },
): Promise<void> {
  for (const { jobId } of await listExpiredResults(deps.db, { environments: options.environments })) {
    try {
      await deps.results.remove(jobId, [])
      if (await markResultsRemoved(deps.db, { jobId, by: options.by })) deps.log.info({ jobId }, 'results expired')
    } catch (thrown) {
      deps.log.error({ jobId, err: toError(thrown) }, 'could not remove expired results')
    }
  }
}
