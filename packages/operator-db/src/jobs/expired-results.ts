import { storedResultListSchema, type StoredResult } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'
import { parseStored, renderAsciiJson } from '../job-row.ts'

/** A finished job whose results are due to go. */
export interface ExpiredResults {
  jobId: string
  environment: string
  /** As stored; empty where they cannot be read. */
  outputs: StoredResult[]
  /** When they were due, as the database writes it: with `jobId` the place in the list. */
  expiredAt: string
}

/**
 * Finished jobs whose results were kept as long as they should be, and are still there; longest overdue first.
 * @param selection.environments whose jobs to look at
 * @param selection.after where the last page ended
 * @param selection.limit how many at once; 100 when absent
 */
export async function listExpiredResults(
  db: Database,
  selection: {
    environments: readonly string[]
    after?: Pick<ExpiredResults, 'expiredAt' | 'jobId'> | undefined
    limit?: number | undefined
  },
): Promise<ExpiredResults[]> {
  const { environments, after, limit = 100 } = selection
  const { rows } = await db.raw<{ rows: (Omit<ExpiredResults, 'outputs'> & { outputs: string | null })[] }>(
    `SELECT workflowid AS "jobId", namespace AS environment, outputsurl AS outputs,
       results_expire_at::text AS "expiredAt" FROM jobs
     WHERE results_expire_at <= clock_timestamp() AND results_removed_at IS NULL
       AND datefinished IS NOT NULL AND namespace = ANY (:environments)
       AND (results_expire_at, workflowid) > (:afterAt::timestamptz, :afterJob)
     ORDER BY results_expire_at, workflowid LIMIT :limit`,
    { environments, limit, afterAt: after?.expiredAt ?? '-infinity', afterJob: after?.jobId ?? '' },
  )
  return rows.map((row) => ({ ...row, outputs: parseStored(row.outputs, storedResultListSchema) ?? [] }))
}

/**
 * Writes down that a job's results are gone: rows that say so, no addresses and no keys any more, event
 * `resultsExpired`. `removed` stays 0, as the wire says. To be called after the files were deleted, which may be
 * repeated.
 * @param removal.by who removed them, for the timeline
 * @param removal.outputs what was listed; names, sizes and hashes stay as a record
 * @returns false when they were not due, or another engine said it already: nothing changed
 */
export async function markResultsRemoved(
  db: Database,
  removal: { jobId: string; by: string; outputs: readonly StoredResult[] },
): Promise<boolean> {
  const { jobId, by } = removal
  const outputs = removal.outputs.map(({ copies: _copies, ...result }) => ({ ...result, url: '', expired: true }))
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `WITH emptied AS (
       UPDATE jobs SET outputsurl = :outputs, results_removed_at = clock_timestamp()
       WHERE workflowid = :jobId AND datefinished IS NOT NULL AND results_removed_at IS NULL
         AND results_expire_at <= clock_timestamp()
       RETURNING workflowid
     ), forgotten AS (
       DELETE FROM result_keys USING emptied WHERE job_id = emptied.workflowid
     )
     INSERT INTO job_events (job_id, what, by_whom, detail)
     SELECT workflowid, 'resultsExpired', :by, jsonb_build_object('results', :count::int) FROM emptied`,
    { jobId, by, outputs: renderAsciiJson(outputs), count: outputs.length },
  )
  return rowCount === 1
}

/**
 * Writes down, once a job, that its results are due and could not be deleted: event `resultsNotRemoved`. It goes on
 * being tried; how often is nobody's business but the log's.
 * @param problem.detail one sentence for whoever may see the job: no address, no key
 */
export async function noteResultsNotRemoved(
  db: Database,
  problem: { jobId: string; by: string; detail: string },
): Promise<void> {
  await db.raw(
    `INSERT INTO job_events (job_id, what, by_whom, detail)
     SELECT workflowid, 'resultsNotRemoved', :by, jsonb_build_object('detail', :detail::text) FROM jobs
     WHERE workflowid = :jobId AND results_removed_at IS NULL AND NOT EXISTS (
       SELECT 1 FROM job_events WHERE job_id = workflowid AND what = 'resultsNotRemoved')`,
    problem,
  )
}

/** Whether a job had results that were removed because their time was over. */
export async function areResultsRemoved(db: Database, jobId: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    'SELECT 1 FROM jobs WHERE workflowid = :jobId AND results_removed_at IS NOT NULL',
    { jobId },
  )
  return rows.length > 0
}
