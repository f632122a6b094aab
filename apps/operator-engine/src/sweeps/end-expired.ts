import { endExpiredQueued } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import type { Logger } from '@c2d/runtime'
import type { EnvironmentConfig } from '../config.ts'

/** Ends queued jobs that waited longer than their environment lets them; where it sets no limit they wait on. */
export async function endExpired(
  environments: readonly EnvironmentConfig[],
  deps: { db: Database; by: string; log: Logger },
): Promise<void> {
  for (const { id: environment, maxQueueSeconds } of environments) {
    if (maxQueueSeconds === 0) continue
    for (const jobId of await endExpiredQueued(deps.db, { environment, maxQueueSeconds, by: deps.by })) {
      deps.log.info({ jobId, environment, maxQueueSeconds }, 'ended: waited too long for a slot')
    }
  }
}
