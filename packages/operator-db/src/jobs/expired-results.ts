import type { Database } from '@c2d/postgres'

/**
 * Finished jobs whose results were kept as long as they should be, and are still there; longest overdue first.
 * @param selection.environments whose jobs to look at
 * @param selection.limit how many at once; 100 when absent
 */
export async function listExpiredResults(
  db: Database,
  selection: { environments: readonly string[]; limit?: number | undefined },
): Promise<{ jobId: string; environment: string }[]> {
  const { rows } = await db.raw<{ rows: { jobId: string; environment: string }[] }>(
    `SELECT workflowid AS "jobId", namespace AS environment FROM jobs
     WHERE results_expire_at <= clock_timestamp() AND results_removed_at IS NULL
       AND datefinished IS NOT NULL AND namespace = ANY (:environments)
     ORDER BY results_expire_at LIMIT :limit`,
    { environments: selection.environments, limit: selection.limit ?? 100 },
  )
  return rows
}

/**
 * Writes down that a job's results are gone: no addresses and no keys any more, event `resultsExpired`. `removed` stays 0, as the
 * wire says. To be called after the files were deleted, which may be repeated.
 * @param removal.by who removed them, for the timeline
 * @returns false when they were not due, or another engine said it already: nothing changed
 */
export async function markResultsRemoved(db: Database, removal: { jobId: string; by: string }): Promise<boolean> {
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `WITH emptied AS (
       UPDATE jobs SET outputsurl = '[]', results_removed_at = clock_timestamp()
       WHERE workflowid = :jobId AND datefinished IS NOT NULL AND results_removed_at IS NULL
         AND results_expire_at <= clock_timestamp()
       RETURNING workflowid
     ), forgotten AS (
       DELETE FROM result_keys USING emptied WHERE job_id = emptied.workflowid
     )
     INSERT INTO job_events (job_id, what, by_whom) SELECT workflowid, 'resultsExpired', :by FROM emptied`,
    removal,
  )
  return rowCount === 1
}

/** Whether a job had results that were removed because their time was over. */
export async function areResultsRemoved(db: Database, jobId: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    'SELECT 1 FROM jobs WHERE workflowid = :jobId AND results_removed_at IS NOT NULL',
    { jobId },
  )
  return rows.length > 0
}
