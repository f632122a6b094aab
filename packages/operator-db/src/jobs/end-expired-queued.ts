import { JOB_STATUS, STOP_REQUEST, type Reason } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'
import { JOB_COLUMNS, parseJobRow, type JobRow, type StoredJob } from '../job-row.ts'

const { warmingUp, finished } = JOB_STATUS
const WAITED_TOO_LONG: Reason = 'QueueTimedOut'
const NOT_PAID_ANY_LONGER: Reason = 'TimedOut'
const QUEUED = `status = ${warmingUp.code} AND datefinished IS NULL`

// `datecreated` has no zone: it is UTC, whatever the session speaks. `valid_until` is compared as it is stored, or its
// index would be of no use.
const END_EXPIRED = `
  WITH served AS (
    SELECT environment, max_seconds FROM unnest(:environments::text[], :maxQueueSeconds::float8[])
      AS served (environment, max_seconds)
  ), expired AS (
    SELECT workflowid, '${NOT_PAID_ANY_LONGER}' AS why FROM served JOIN jobs ON namespace = environment
    WHERE ${QUEUED} AND valid_until > 0 AND valid_until <= floor(extract(epoch FROM statement_timestamp()))::bigint
    UNION ALL
    SELECT workflowid, '${WAITED_TOO_LONG}' FROM served JOIN jobs ON namespace = environment
    WHERE ${QUEUED} AND max_seconds > 0
      AND datecreated < statement_timestamp() AT TIME ZONE 'UTC' - make_interval(secs => max_seconds)
  ), taken AS (
    SELECT workflowid FROM jobs WHERE workflowid IN (SELECT workflowid FROM expired) AND ${QUEUED}
    ORDER BY datecreated LIMIT :limit
    FOR UPDATE SKIP LOCKED
  ), ended AS (
    UPDATE jobs SET datefinished = now() AT TIME ZONE 'UTC', laststatusupdate = now() AT TIME ZONE 'UTC',
      status = ${finished.code}, statustext = '${finished.text}', reason = reasons.reason,
      stopreq = CASE WHEN reasons.reason = '${NOT_PAID_ANY_LONGER}' AND coalesce(stopreq, 0) = ${STOP_REQUEST.none}
        THEN ${STOP_REQUEST.outOfTime} ELSE stopreq END
    FROM (
      SELECT workflowid, max(why) AS reason FROM taken JOIN expired USING (workflowid) GROUP BY workflowid
    ) AS reasons
    WHERE jobs.workflowid = reasons.workflowid
    RETURNING jobs.*
  ), noted AS (
    INSERT INTO job_events (job_id, what, by_whom, detail)
    SELECT workflowid, 'finished', :by, jsonb_build_object('status', status, 'reason', reason) FROM ended
  )
  SELECT ${JOB_COLUMNS} FROM ended AS jobs ORDER BY datecreated, workflowid`

/**
 * Ends queued jobs whose time is over, by the database's clock: those that are not paid for any longer, with reason
 * `TimedOut`, and those that waited longer than their environment lets them, with `QueueTimedOut`. They never had a
 * claim or a step, so nothing else is to be done for them. A job that is being claimed in this moment is left to its
 * engine.
 * @param sweep.environments which queues to look at; `maxQueueSeconds` 0 is no limit
 * @param sweep.by who ends them, for the timeline
 * @param sweep.limit how many at once
 * @returns the jobs it ended
 */
export async function endExpiredQueued(
  db: Database,
  sweep: { environments: readonly { id: string; maxQueueSeconds: number }[]; by: string; limit: number },
): Promise<JobRow[]> {
  const { rows } = await db.raw<{ rows: StoredJob[] }>(END_EXPIRED, {
    environments: sweep.environments.map(({ id }) => id),
    maxQueueSeconds: sweep.environments.map(({ maxQueueSeconds }) => maxQueueSeconds),
    by: sweep.by,
    limit: sweep.limit,
  })
  return rows.map(parseJobRow)
}
