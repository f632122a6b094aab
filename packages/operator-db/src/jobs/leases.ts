import type { Database } from '@c2d/postgres'

/**
 * Renews the leases of every unfinished job an engine holds.
 * @returns the jobs it still holds, with the epoch it holds them at; one that is missing was adopted by another
 */
export async function renewLeases(
  db: Database,
  renewal: { claimedBy: string; leaseSeconds: number },
): Promise<{ jobId: string; epoch: number }[]> {
  const { rows } = await db.raw<{ rows: { jobId: string; epoch: number }[] }>(
    `UPDATE jobs SET lease_expires_at = clock_timestamp() + make_interval(secs => :leaseSeconds)
     WHERE claimed_by = :claimedBy AND datefinished IS NULL
     RETURNING workflowid AS "jobId", epoch`,
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
    `UPDATE jobs SET lease_expires_at = NULL, claimed_by = NULL
     WHERE claimed_by = :claimedBy AND datefinished IS NULL`,
    engine,
  )
  return rowCount
}
