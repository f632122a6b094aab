import { isLegalTransition, JOB_STATUS, type JobStatusName, type Reason } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

// `${to}` is what the event is called: a timeline reads as the statuses a job went through.
const ADVANCE = `
  WITH moved AS (
    UPDATE jobs SET status = :toCode, statustext = :toText, laststatusupdate = now(),
      reason = coalesce(:reason, reason), exit_code = coalesce(:exitCode, exit_code)
    WHERE workflowid = :jobId AND status = :fromCode AND epoch = :epoch AND datefinished IS NULL
    RETURNING workflowid
  )
  INSERT INTO job_events (job_id, what, by_whom, detail)
  SELECT workflowid, :to, :by, :detail::jsonb FROM moved`

/**
 * Moves a job to its next status, if it still is where and whose the caller thinks (DESIGN §4.11).
 * @param step.epoch the claim the caller holds
 * @param step.by who moves it, for the timeline
 * @param step.detail what else the timeline should say
 * @returns false when the race was lost: nothing changed
 * @throws RangeError when the state table does not allow the move
 */
export async function advanceJob(
  db: Database,
  step: {
    jobId: string
    epoch: number
    from: JobStatusName
    to: JobStatusName
    by: string
    reason?: Reason | undefined
    exitCode?: number | undefined
    detail?: Record<string, unknown> | undefined
  },
): Promise<boolean> {
  if (!isLegalTransition(step.from, step.to)) throw new RangeError(`a job does not go from ${step.from} to ${step.to}`)
  const { reason, exitCode } = step
  const { rowCount } = await db.raw<{ rowCount: number }>(ADVANCE, {
    jobId: step.jobId,
    epoch: step.epoch,
    fromCode: JOB_STATUS[step.from].code,
    to: step.to,
    toCode: JOB_STATUS[step.to].code,
    toText: JOB_STATUS[step.to].text,
    by: step.by,
    reason: reason ?? null,
    exitCode: exitCode ?? null,
    detail: JSON.stringify({ ...step.detail, from: step.from, reason, exitCode }),
  })
  return rowCount === 1
}
