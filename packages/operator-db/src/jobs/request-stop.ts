import { STOP_REQUEST } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'
import { buildCondition, type JobFilter } from './job-selector.ts'

/**
 * Asks the engine to stop jobs. Finished ones, and those already asked, are left alone.
 * @returns how many were asked now
 * @throws RangeError when nothing is given to select by
 */
export async function requestStop(db: Database, filter: JobFilter): Promise<number> {
  const { condition, bindings } = buildCondition(filter)
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `WITH asked AS (
       UPDATE jobs SET stopreq = ${STOP_REQUEST.asked}
       WHERE ${condition} AND datefinished IS NULL AND coalesce(stopreq, 0) = ${STOP_REQUEST.none}
       RETURNING workflowid
     )
     INSERT INTO job_events (job_id, what, by_whom) SELECT workflowid, 'stopRequested', 'operator-service' FROM asked`,
    bindings,
  )
  return rowCount
}
