import { isSameAddress, jobIdSchema } from '@c2d/contracts'
import { loadJob, type JobRow } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'

/**
 * A job of an owner. One who asks for another's learns no more than one who asks for none: the answer is the same, and
 * the reference's (operator-service-api §9.2).
 * @throws AppError `NotFound`
 */
export async function loadOwnedJob(db: Database, wanted: { owner: string; jobId: string }): Promise<JobRow> {
  const job = jobIdSchema.safeParse(wanted.jobId).success ? await loadJob(db, wanted.jobId) : null
  if (job && isSameAddress(job.owner, wanted.owner)) return job
  throw new AppError('NotFound', {
    detail: 'There is no such job of this owner.',
    legacy: `Owner ${wanted.owner} mismatch for job ${wanted.jobId}`,
  })
}
