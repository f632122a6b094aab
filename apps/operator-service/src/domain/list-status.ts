import type { JobStatusAnswer } from '@c2d/contracts'
import { findJobs, listEventsOfJobs, type JobFilter } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { buildStatusAnswer } from './build-status-answer.ts'
import type { QueueBoard } from './queue-board.ts'

/** The status answers of the jobs that fit, newest first; an empty list when none does. */
export async function listStatus(
  filter: JobFilter,
  deps: { db: Database; queue: QueueBoard },
): Promise<JobStatusAnswer[]> {
  // A named job's timeline needs no look at the job first.
  const named = filter.jobId === undefined ? undefined : listEventsOfJobs(deps.db, [filter.jobId])
  const [jobs, ahead] = await Promise.all([findJobs(deps.db, filter), named])
  const ids = jobs.map((job) => job.jobId)
  const timelines = ahead ?? (ids.length === 0 ? undefined : await listEventsOfJobs(deps.db, ids))
  return Promise.all(
    jobs.map(async (job) => buildStatusAnswer(job, timelines?.get(job.jobId) ?? [], await deps.queue.positionOf(job))),
  )
}
