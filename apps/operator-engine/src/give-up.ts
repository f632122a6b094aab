import { isLegalTransition, jobStatusName } from '@c2d/contracts'
import { advanceJob, finishJob, loadJob, recordOutcome } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import type { EnvironmentConfig } from './config.ts'
import type { DeliverySchedule } from './deliveries/decide-next.ts'
import type { NotificationQueue } from './notifications/notification-queue.ts'

/**
 * Ends a job whose passes fail again and again, so that it holds up nobody: reason `InternalError`. What it left is
 * removed by its next pass, or by a sweep.
 * @param claim.epoch the claim the caller holds; without it nothing happens
 */
export async function giveUpJob(
  claim: { jobId: string; epoch: number },
  deps: {
    db: Database
    environments: ReadonlyMap<string, EnvironmentConfig>
    notifications: NotificationQueue
    deliveries: DeliverySchedule
    by: string
  },
): Promise<void> {
  const { db, environments, notifications, by } = deps
  const job = await loadJob(db, claim.jobId)
  const environment = job && environments.get(job.environment)
  if (!job || !environment) return
  // The first reason counts, and old clients wait for 70 (DESIGN §4.9): it ends as others do.
  if (job.reason === null) await recordOutcome(db, { ...claim, reason: 'InternalError' })
  const from = jobStatusName(job.status)
  if (isLegalTransition(from, 'publishing')) await advanceJob(db, { ...claim, by, from, to: 'publishing' })
  await finishJob(db, {
    ...{ ...claim, by, to: 'finished', resultsKeptSeconds: environment.storageExpiry },
    redeliverInSeconds: deps.deliveries.firstPauseSeconds,
    notification: notifications.owedOf('stop', job, environment),
  })
  notifications.hurry()
}
