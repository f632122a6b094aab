import type { IsolationReceipt, Reason } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

const RECORD = `
  WITH recorded AS (
    UPDATE jobs SET reason = coalesce(:reason, reason), exit_code = coalesce(:exitCode, exit_code),
      stopreq = coalesce(:stopRequest, stopreq), isolation = coalesce(:isolation::jsonb, isolation)
    WHERE workflowid = :jobId AND epoch = :epoch AND datefinished IS NULL
    RETURNING workflowid, claimed_by
  )
  INSERT INTO job_events (job_id, what, by_whom, detail)
  SELECT workflowid, 'outcome', coalesce(claimed_by, 'engine'), :detail::jsonb FROM recorded`

/**
 * Writes down how a step ended, without moving the job.
 * @param outcome.epoch the claim the caller holds
 * @param outcome.stopRequest 2 when the engine ends the job for its duration (operator-service-api §5)
 * @returns false when the race was lost: nothing changed
 */
export async function recordOutcome(
  db: Database,
  outcome: {
    jobId: string
    epoch: number
    reason?: Reason | undefined
    exitCode?: number | undefined
    stopRequest?: 0 | 1 | 2 | undefined
    isolation?: IsolationReceipt | undefined
  },
): Promise<boolean> {
  const { jobId, epoch, reason, exitCode, stopRequest, isolation } = outcome
  const { rowCount } = await db.raw<{ rowCount: number }>(RECORD, {
    jobId,
    epoch,
    reason: reason ?? null,
    exitCode: exitCode ?? null,
    stopRequest: stopRequest ?? null,
    isolation: isolation === undefined ? null : JSON.stringify(isolation),
    detail: JSON.stringify({ reason, exitCode, stopRequest, isolation }),
  })
  return rowCount === 1
}
