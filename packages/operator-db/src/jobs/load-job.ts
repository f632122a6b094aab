import type { Database } from '@c2d/postgres'
import type { JobRow } from '../job-row.ts'
import { selectJobs } from './select-jobs.ts'

/** One job, or null. */
export async function loadJob(db: Database, jobId: string): Promise<JobRow | null> {
  const rows = await selectJobs(db, 'jobs WHERE workflowid = :jobId ORDER BY adopted_duplicate LIMIT 1', { jobId })
  return rows[0] ?? null
}
