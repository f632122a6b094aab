import { isLegalTransition, JOB_STATUS } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'
import { ALL_STATUSES, statusCodes } from '../status-codes.ts'

const MAY_BECOME_FINISHED = statusCodes(ALL_STATUSES.filter((status) => isLegalTransition(status, 'finished')))

// The member cannot be part of a file's name: its quotes would be escaped there.
const FINISH = `
  WITH ended AS (
    UPDATE jobs SET datefinished = now(), laststatusupdate = now(), lease_expires_at = NULL,
      results_expire_at = clock_timestamp() + make_interval(secs => :resultsKeptSeconds::float8),
      status = CASE WHEN :becomesFinished AND status = ANY (:legal) THEN :finishedCode ELSE status END,
      statustext = CASE WHEN :becomesFinished AND status = ANY (:legal) THEN :finishedText ELSE statustext END
    WHERE workflowid = :jobId AND epoch = :epoch AND datefinished IS NULL
    RETURNING workflowid, namespace, outputsurl, status, reason, exit_code
  ), tokens AS (
    UPDATE step_tokens SET ended_at = clock_timestamp()
    WHERE job_id IN (SELECT workflowid FROM ended) AND ended_at IS NULL
  ), owed AS (
    INSERT INTO notifications (job_id, kind, url, body)
    SELECT workflowid, 'stop', :url, :body::jsonb FROM ended WHERE :url::text IS NOT NULL
    ON CONFLICT (job_id, kind) DO NOTHING
  ), undelivered AS (
    INSERT INTO output_deliveries (job_id, environment, next_at)
    SELECT workflowid, namespace, clock_timestamp() + make_interval(secs => :redeliverInSeconds::float8) FROM ended
    WHERE outputsurl LIKE '%"deliveryFailure":%'
    ON CONFLICT DO NOTHING
    RETURNING job_id
  )
  INSERT INTO job_events (job_id, what, by_whom, detail)
  SELECT workflowid, 'finished', :by,
    jsonb_strip_nulls(jsonb_build_object('status', status, 'reason', reason, 'exitCode', exit_code)) || :detail::jsonb
  FROM ended
  UNION ALL SELECT job_id, 'deliveryDue', :by, NULL FROM undelivered`

/**
 * Ends a job: its end date, no lease, no live token. Status 31 and 32 stay what they are, also when `to` is given:
 * *finished* is the date, not the number (operator-service-api §7).
 * @param end.epoch the claim the caller holds
 * @param end.resultsKeptSeconds how long results are kept from now on; 0 or absent is for ever
 * @param end.redeliverInSeconds when outputs that their consumer's own storage did not take are brought again
 * @param end.detail what else the timeline should say
 * @param end.notification whom to tell of the end, and what; in the outbox exactly when the job ends
 * @param end.to `finished` to set status 70 where the state table allows it
 * @returns false when the race was lost: nothing changed
 */
export async function finishJob(
  db: Database,
  end: {
    jobId: string
    epoch: number
    by: string
    to?: 'finished' | undefined
    resultsKeptSeconds?: number | undefined
    redeliverInSeconds?: number | undefined
    notification?: { url: string; body: Record<string, unknown> } | undefined
    detail?: Record<string, unknown> | undefined
  },
): Promise<boolean> {
  const { rowCount } = await db.raw<{ rowCount: number }>(FINISH, {
    jobId: end.jobId,
    epoch: end.epoch,
    by: end.by,
    becomesFinished: end.to === 'finished',
    legal: MAY_BECOME_FINISHED,
    finishedCode: JOB_STATUS.finished.code,
    finishedText: JOB_STATUS.finished.text,
    resultsKeptSeconds: end.resultsKeptSeconds || null, // no interval, no end
    redeliverInSeconds: end.redeliverInSeconds ?? 0,
    detail: JSON.stringify(end.detail ?? {}),
    url: end.notification?.url ?? null,
    body: end.notification ? JSON.stringify(end.notification.body) : null,
  })
  return rowCount > 0
}
