import type { Database } from '@c2d/postgres'

/** In the order in which `requestStop` locks them too: the two would wait for each other for ever. */
const HELD = `
  SELECT workflowid FROM jobs WHERE claimed_by = :claimedBy AND datefinished IS NULL
  ORDER BY workflowid FOR UPDATE`

/**
 * Renews the leases of every unfinished job an engine holds.
 * @returns the jobs it still holds, with the epoch it holds them at; one that is missing was adopted by another
 */
export async function renewLeases(
  db: Database,
  renewal: { claimedBy: string; leaseSeconds: number },
): Promise<{ jobId: string; epoch: number }[]> {
  const { rows } = await db.raw<{ rows: { jobId: string; epoch: number }[] }>(
    `WITH held AS (${HELD})
     UPDATE jobs SET lease_expires_at = clock_timestamp() + make_interval(secs => :leaseSeconds)
     FROM held WHERE jobs.workflowid = held.workflowid AND claimed_by = :claimedBy
     RETURNING jobs.workflowid AS "jobId", epoch`,
    renewal,
  )
  return rows
}

/**
 * Gives an engine's leases back, so that another may adopt its jobs at once.
 * @returns how many it held
 */
export async function releaseLeases(db: Database, engine: { claimedBy: string }): Promise<number> {
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `WITH held AS (${HELD})
     UPDATE jobs SET lease_expires_at = NULL, claimed_by = NULL
     FROM held WHERE jobs.workflowid = held.workflowid AND claimed_by = :claimedBy`,
    engine,
  )
  return rowCount
}
