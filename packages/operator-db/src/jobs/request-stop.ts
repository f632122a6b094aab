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
    // Locked in one order, that of `leases.ts`: a stop of many jobs and a renewal would wait for each other for ever.
    `WITH chosen AS (
       SELECT workflowid FROM jobs
       WHERE ${condition} AND datefinished IS NULL AND coalesce(stopreq, 0) = ${STOP_REQUEST.none}
       ORDER BY workflowid FOR UPDATE
     ), asked AS (
       UPDATE jobs SET stopreq = ${STOP_REQUEST.asked}
       FROM chosen WHERE jobs.workflowid = chosen.workflowid AND datefinished IS NULL
       RETURNING jobs.workflowid
     )
     INSERT INTO job_events (job_id, what, by_whom) SELECT workflowid, 'stopRequested', 'operator-service' FROM asked`,
    bindings,
  )
  return rowCount
}
