import { JOB_STATUS, STOP_REQUEST } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'
import { JOB_COLUMNS, parseJobRow, type JobRow, type StoredJob } from '../job-row.ts'

const { warmingUp, configuring } = JOB_STATUS

const CLAIM_STOPPED = `
  WITH stopped AS (
    SELECT workflowid FROM jobs
    WHERE namespace = :environment AND status = ${warmingUp.code} AND datefinished IS NULL
      AND stopreq = ${STOP_REQUEST.asked}
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
  ), claimed AS (
    UPDATE jobs SET status = ${configuring.code}, statustext = '${configuring.text}', laststatusupdate = now(),
      epoch = epoch + 1, claimed_by = :claimedBy,
      lease_expires_at = clock_timestamp() + make_interval(secs => :leaseSeconds)
    FROM stopped WHERE jobs.workflowid = stopped.workflowid
    RETURNING jobs.*
  ), noted AS (
    INSERT INTO job_events (job_id, what, by_whom, detail)
    SELECT workflowid, 'claimed', claimed_by, jsonb_build_object('epoch', epoch) FROM claimed
  )
  SELECT ${JOB_COLUMNS} FROM claimed AS jobs ORDER BY datecreated, workflowid`

/**
 * Claims queued jobs that were asked to stop, whether a slot is free or not: ending them takes none
 * (operator-engine-behaviour §7). They come as `claimJobs` gives them, with `stopRequest` 1.
 * @param claim.limit how many at once; 100 when absent
 */
export async function claimStopped(
  db: Database,
  claim: { environment: string; claimedBy: string; leaseSeconds: number; limit?: number | undefined },
): Promise<JobRow[]> {
  const bindings = { ...claim, limit: claim.limit ?? 100 }
  const { rows } = await db.raw<{ rows: StoredJob[] }>(CLAIM_STOPPED, bindings)
  return rows.map(parseJobRow)
}
