import type { Database } from '@c2d/postgres'
import type { JobRow } from '../job-row.ts'
import { buildCondition, type JobFilter } from './job-selector.ts'
import { selectJobs } from './select-jobs.ts'

/**
 * The jobs that fit every given member, newest first (operator-service-api §4.1).
 * @throws RangeError when nothing is given
 */
export async function findJobs(db: Database, filter: JobFilter): Promise<JobRow[]> {
  const { condition, bindings } = buildCondition(filter)
  return selectJobs(db, `jobs WHERE ${condition} ORDER BY datecreated DESC, workflowid`, bindings)
}
