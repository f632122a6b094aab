import type { Database } from '@c2d/postgres'

/**
 * Takes jobs whose proofs are to be anchored and due, for one caller each.
 * @param options.leaseSeconds after which they are due again: longer than a look takes
 */
export async function takeDueAnchors(
  db: Database,
  options: { environments: readonly string[]; leaseSeconds: number; limit: number },
): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { jobId: string }[] }>(
    `WITH due AS (
       SELECT job_id FROM proofs
       WHERE anchor_due AND anchor_next_at <= clock_timestamp()
         AND EXISTS (SELECT 1 FROM jobs WHERE workflowid = job_id AND namespace = ANY (:environments))
       ORDER BY anchor_next_at LIMIT :limit FOR UPDATE SKIP LOCKED
     )
     UPDATE proofs SET anchor_next_at = clock_timestamp() + make_interval(secs => :leaseSeconds)
     FROM due WHERE proofs.job_id = due.job_id RETURNING proofs.job_id AS "jobId"`,
    options,
  )
  return rows.map(({ jobId }) => jobId)
}

/** Looks at an anchor again later. */
export async function postponeAnchor(db: Database, later: { jobId: string; inSeconds: number }): Promise<void> {
  await db.raw(
    `UPDATE proofs SET anchor_next_at = clock_timestamp() + make_interval(secs => :inSeconds::float8)
     WHERE job_id = :jobId AND anchor_due`,
    later,
  )
}

/**
 * Writes down that there is nothing more to anchor, with the event `anchored`. Safe to repeat.
 * @param ended.orders how many orders tell of the proof on chain
 * @param ended.note why others do not; null where all do
 */
export async function settleAnchor(
  db: Database,
  ended: { jobId: string; orders: number; note: string | null; by: string },
): Promise<void> {
  await db.raw(
    `WITH settled AS (
       UPDATE proofs SET anchor_due = false, anchor_note = :note WHERE job_id = :jobId AND anchor_due RETURNING job_id
     )
     INSERT INTO job_events (job_id, what, by_whom, detail)
     SELECT job_id, 'anchored', :by, jsonb_strip_nulls(jsonb_build_object('orders', :orders::int, 'note', :note::text))
     FROM settled`,
    ended,
  )
}
