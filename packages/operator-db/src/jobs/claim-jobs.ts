import type { Database } from '@c2d/postgres'
import type { JobRow } from '../job-row.ts'
import { selectJobs } from './select-jobs.ts'

/**
 * Claims queued jobs of an environment, oldest first, as many as it has free slots (DESIGN §4.11, §4.16): status
 * configuring, a new epoch, a lease. Two engines never share a job and never fill a slot twice. Jobs that were asked
 * to stop while queued come too, for the engine to end them.
 * @param claim.maxJobs unfinished claimed jobs the environment may have in all
 * @param claim.claimedBy name of the engine
 * @param claim.leaseSeconds how long the claim holds without renewal
 */
export async function claimJobs(
  db: Database,
  claim: { environment: string; maxJobs: number; claimedBy: string; leaseSeconds: number },
): Promise<JobRow[]> {
  return selectJobs(
    db,
    'claim_jobs(:environment, :maxJobs, :claimedBy, :leaseSeconds) AS jobs ORDER BY datecreated, workflowid',
    claim,
  )
}
