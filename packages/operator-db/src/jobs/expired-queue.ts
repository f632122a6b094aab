import { JOB_STATUS, type Reason } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'
import type { JobRow } from '../job-row.ts'
import { selectJobs } from './select-jobs.ts'

const { warmingUp, finished } = JOB_STATUS
const QUEUE_TIMED_OUT: Reason = 'QueueTimedOut'

// `datecreated` has no zone: it is UTC, whatever the session speaks.
const EXPIRED = `namespace = :environment AND status = ${warmingUp.code} AND datefinished IS NULL
  AND datecreated < now() AT TIME ZONE 'UTC' - make_interval(secs => :maxQueueSeconds)`

const END_EXPIRED = `
  WITH expired AS (
    SELECT workflowid FROM jobs WHERE ${EXPIRED} ORDER BY datecreated LIMIT :limit FOR UPDATE SKIP LOCKED
  ), ended AS (
    UPDATE jobs SET datefinished = now() AT TIME ZONE 'UTC', laststatusupdate = now() AT TIME ZONE 'UTC',
      status = ${finished.code}, statustext = '${finished.text}', reason = '${QUEUE_TIMED_OUT}'
    FROM expired WHERE jobs.workflowid = expired.workflowid
    RETURNING jobs.workflowid
  ), noted AS (
    INSERT INTO job_events (job_id, what, by_whom, detail)
    SELECT workflowid, 'finished', :by,
      jsonb_build_object('status', ${finished.code}, 'reason', '${QUEUE_TIMED_OUT}') FROM ended
  )
  SELECT workflowid AS "jobId" FROM ended`

/**
 * The queued jobs of an environment that waited longer than it lets them, oldest first.
 * @param limit.maxQueueSeconds how long a job may wait to be claimed
 */
export async function listExpiredQueued(
  db: Database,
  limit: { environment: string; maxQueueSeconds: number },
): Promise<JobRow[]> {
  return selectJobs(db, `jobs WHERE ${EXPIRED} ORDER BY datecreated, workflowid`, limit)
}

/**
 * Ends the queued jobs that waited too long: reason `QueueTimedOut`, end date, event. They never had a claim or a step,
 * so nothing else is to be done for them. A job that is being claimed in this moment is left to its engine.
 * @param limit.by who ends them, for the timeline
 * @param limit.limit how many at once; 1 000 when absent
 * @returns the jobs it ended
 */
export async function endExpiredQueued(
  db: Database,
  limit: { environment: string; maxQueueSeconds: number; by: string; limit?: number | undefined },
): Promise<string[]> {
  const bindings = { ...limit, limit: limit.limit ?? 1_000 }
  const { rows } = await db.raw<{ rows: { jobId: string }[] }>(END_EXPIRED, bindings)
  return rows.map((row) => row.jobId)
}
