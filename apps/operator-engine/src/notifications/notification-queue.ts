import { enqueueNotification, type JobRow } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import type { EnvironmentConfig } from '../config.ts'
import { buildNotification, type Notification } from './build-notification.ts'

/** Where each kind of notification goes; absent is not told. */
export interface NotificationUrls {
  start?: string | undefined
  stop?: string | undefined
}

/** What somebody is to be told, and where. */
export interface OwedNotification {
  url: string
  body: Notification & Record<string, unknown>
}

/** Notes that somebody is to be told of a job; telling is somebody else's, so no job ever waits for a receiver. */
export interface NotificationQueue {
  /** What is owed of a job; nothing where nobody is to be told. To be put into the outbox with what it is true of. */
  owedOf(kind: 'start' | 'stop', job: JobRow, environment: EnvironmentConfig): OwedNotification | undefined
  /**
   * Puts a notification into the outbox, once a job and kind, however often it is asked for.
   * @param db the pool, or the transaction that it stands or falls with
   */
  enqueue(kind: 'start' | 'stop', job: JobRow, environment: EnvironmentConfig, db: Database): Promise<void>
  /** Says that there may be something new to send, after it was committed. */
  hurry(): void
}

/**
 * The outbox of notifications (operator-engine-behaviour §10): signed here, where the environment's key is.
 * @param deps.onQueued called when there may be something new to send
 */
export function createNotificationQueue(
  options: { urls: NotificationUrls },
  deps: { onQueued: () => void },
): NotificationQueue {
  const owedOf: NotificationQueue['owedOf'] = (kind, job, environment) => {
    const url = options.urls[kind]
    if (url === undefined) return undefined
    return { url, body: { ...buildNotification(job.jobId, job.workflow, environment.privateKey) } }
  }
  return {
    owedOf,
    async enqueue(kind, job, environment, db) {
      const owed = owedOf(kind, job, environment)
      if (owed) await enqueueNotification(db, { jobId: job.jobId, kind, ...owed })
    },
    hurry() {
      if (options.urls.start !== undefined || options.urls.stop !== undefined) deps.onQueued()
    },
  }
}
