import type { Database } from '@c2d/postgres'

/** A call that is owed to an operator's system (operator-engine-behaviour §10). */
export interface DueNotification {
  /** Key of the outbox row, decimal. */
  id: string
  jobId: string
  kind: 'start' | 'stop'
  url: string
  /** Signed already; to be sent as it stands. */
  body: Record<string, unknown>
  /** Which try this is, from 1. */
  attempt: number
}

const TAKE_DUE = `
  WITH due AS (
    SELECT notifications.id FROM notifications
    WHERE next_at <= clock_timestamp()
      AND EXISTS (SELECT 1 FROM jobs WHERE workflowid = job_id AND namespace = ANY (:environments))
    ORDER BY next_at LIMIT :limit
    FOR UPDATE SKIP LOCKED
  )
  UPDATE notifications SET attempts = attempts + 1,
    next_at = clock_timestamp() + make_interval(secs => :leaseSeconds)
  FROM due WHERE notifications.id = due.id
  RETURNING notifications.id::text AS id, job_id AS "jobId", kind, url, body, attempts AS attempt`

/**
 * Puts a notification into the outbox, once a job and kind. Delivery never holds up a job.
 * @param notification.body what to send, signed by the environment
 * @returns false when it was there already: nothing changed
 */
export async function enqueueNotification(
  db: Database,
  notification: { jobId: string; kind: 'start' | 'stop'; url: string; body: Record<string, unknown> },
): Promise<boolean> {
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `INSERT INTO notifications (job_id, kind, url, body) VALUES (:jobId, :kind, :url, :body::jsonb)
     ON CONFLICT (job_id, kind) DO NOTHING`,
    { ...notification, body: JSON.stringify(notification.body) },
  )
  return rowCount === 1
}

/**
 * Takes notifications that are due, for one sender each. One whose sender dies is due again when its lease is over: a
 * call may come twice, and is never lost.
 * @param options.environments whose jobs to speak for
 * @param options.leaseSeconds longer than sending takes
 * @param options.limit how many at once; 20 when absent
 */
export async function takeDueNotifications(
  db: Database,
  options: { environments: readonly string[]; leaseSeconds: number; limit?: number | undefined },
): Promise<DueNotification[]> {
  const bindings = { ...options, limit: options.limit ?? 20 }
  const { rows } = await db.raw<{ rows: DueNotification[] }>(TAKE_DUE, bindings)
  return rows
}

/** Writes down that a notification arrived. Safe to repeat. */
export async function markNotificationDelivered(db: Database, id: string): Promise<void> {
  await db.raw(
    `UPDATE notifications SET delivered_at = clock_timestamp(), next_at = NULL, last_error = NULL
     WHERE id = :id AND delivered_at IS NULL`,
    { id },
  )
}

/**
 * Writes down that a notification did not arrive.
 * @param failure.retryInSeconds when to try again; null gives up
 * @param failure.error why, for an operator who looks; no secret
 */
export async function markNotificationFailed(
  db: Database,
  failure: { id: string; retryInSeconds: number | null; error: string },
): Promise<void> {
  await db.raw(
    `UPDATE notifications SET last_error = left(:error, 1000),
       next_at = clock_timestamp() + make_interval(secs => :retryInSeconds::float8)
     WHERE id = :id AND delivered_at IS NULL`,
    failure,
  )
}
