import { enqueueNotification, type JobRow } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import type { EnvironmentConfig } from '../config.ts'
import { buildNotification } from './build-notification.ts'

/** Where each kind of notification goes; absent is not told. */
export interface NotificationUrls {
  start?: string | undefined
  stop?: string | undefined
}

/** Notes that somebody is to be told of a job; telling is somebody else's, so no job ever waits for a receiver. */
export interface NotificationQueue {
  /** Puts a notification into the outbox, once a job and kind, however often it is asked for. */
  enqueue(kind: 'start' | 'stop', job: JobRow, environment: EnvironmentConfig): Promise<void>
}

/**
 * The outbox of notifications (operator-engine-behaviour §10): signed here, where the environment's key is.
 * @param deps.onQueued called when there is something new to send
 */
export function createNotificationQueue(
  options: { urls: NotificationUrls },
  deps: { db: Database; onQueued: () => void },
): NotificationQueue {
  return {
    async enqueue(kind, job, environment) {
      const url = options.urls[kind]
      // A row that cannot be read has nothing to tell: not its algorithm, not its datasets.
      if (url === undefined || job.workflow === null) return
      const body = buildNotification(job.jobId, job.workflow, environment.privateKey)
      if (await enqueueNotification(deps.db, { jobId: job.jobId, kind, url, body: { ...body } })) deps.onQueued()
    },
  }
}
