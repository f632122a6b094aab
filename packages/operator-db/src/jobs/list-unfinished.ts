import type { Database } from '@c2d/postgres'
import type { JobRow } from '../job-row.ts'
import { selectJobs } from './select-jobs.ts'

/** Every job of every environment that has no end yet, oldest first. */
export async function listUnfinished(db: Database): Promise<JobRow[]> {
  return selectJobs(db, 'jobs WHERE datefinished IS NULL ORDER BY datecreated, workflowid')
}
