import { JOB_STATUS } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'
import { JOB_COLUMNS, parseJobRow, type JobRow, type StoredJob } from '../job-row.ts'

const ADOPT = `
  WITH lost AS (
    SELECT workflowid FROM jobs
    WHERE namespace = ANY (:environments) AND status > ${JOB_STATUS.warmingUp.code} AND datefinished IS NULL
      AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp())
    ORDER BY datecreated
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
  ), adopted AS (
    UPDATE jobs SET epoch = epoch + 1, claimed_by = :claimedBy,
      lease_expires_at = clock_timestamp() + make_interval(secs => :leaseSeconds)
    FROM lost WHERE jobs.workflowid = lost.workflowid
    RETURNING jobs.*
  ), noted AS (
    INSERT INTO job_events (job_id, what, by_whom, detail)
    SELECT workflowid, 'adopted', claimed_by, jsonb_build_object('epoch', epoch) FROM adopted
  )
  SELECT ${JOB_COLUMNS} FROM adopted AS jobs ORDER BY datecreated, workflowid`

/**
 * Takes over jobs at work that nobody holds any more: their lease ran out, or was given back (DESIGN §4.11).
 * @param adoption.environments whose jobs to look at
 * @param adoption.limit how many to take at once
 */
export async function adoptJobs(
  db: Database,
  adoption: { environments: readonly string[]; claimedBy: string; leaseSeconds: number; limit: number },
): Promise<JobRow[]> {
  const { rows } = await db.raw<{ rows: StoredJob[] }>(ADOPT, adoption)
  return rows.map(parseJobRow)
}
