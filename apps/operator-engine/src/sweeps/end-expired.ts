import { endExpiredQueued } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import type { Logger } from '@c2d/runtime'
import type { EnvironmentConfig } from '../config.ts'
import type { NotificationQueue } from '../notifications/notification-queue.ts'

const BATCH = 100

/**
 * Ends queued jobs that are not paid for any longer, or waited longer than their environment lets them. Their ends and
 * what is to be told of them are one transaction: a crash leaves both or neither.
 */
export async function endExpired(
  environments: ReadonlyMap<string, EnvironmentConfig>,
  deps: { db: Database; notifications: NotificationQueue; by: string; log: Logger; signal: AbortSignal },
): Promise<void> {
  const { db, notifications, by, log, signal } = deps
  for (let ended = BATCH; ended === BATCH && !signal.aborted;) {
    const jobs = await db.transaction(async (transaction) => {
      const sweep = { environments: [...environments.values()], by, limit: BATCH }
      const expired = await endExpiredQueued(transaction, sweep)
      for (const job of expired) {
        const environment = environments.get(job.environment)
        if (environment) await notifications.enqueue('stop', job, environment, transaction)
      }
      return expired
    })
    for (const { jobId, environment, reason } of jobs) log.info({ jobId, environment, reason }, 'ended in the queue')
    ended = jobs.length
    if (ended > 0) notifications.hurry()
  }
}
