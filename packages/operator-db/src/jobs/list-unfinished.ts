import type { Database } from '@c2d/postgres'
import type { JobRow } from '../job-row.ts'
import { selectJobs } from './select-jobs.ts'

const UNFINISHED = 'jobs WHERE datefinished IS NULL ORDER BY datecreated, workflowid'

/** What anybody may know of an unfinished job. */
export type UnfinishedJob = Pick<JobRow, 'jobId' | 'status' | 'statusText' | 'dateCreated' | 'environment'>

/** Every job of every environment that has no end yet, oldest first. */
export async function listUnfinished(db: Database): Promise<JobRow[]> {
  return selectJobs(db, UNFINISHED)
}

/**
 * The same, in brief: no workflow is read. Strangers may ask for it, and reading ten thousand workflows for one of them
 * would hold up everybody else.
 */
export async function listUnfinishedInBrief(db: Database): Promise<UnfinishedJob[]> {
  const { rows } = await db.raw<{ rows: UnfinishedJob[] }>(
    `SELECT workflowid AS "jobId", status, coalesce(statustext, '') AS "statusText",
       extract(epoch FROM datecreated)::numeric(20, 6)::text AS "dateCreated",
       coalesce(namespace, '') AS environment
     FROM ${UNFINISHED}`,
  )
  return rows
}
