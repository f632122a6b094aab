import type { JobStatusAnswer } from '@c2d/contracts'
import { findJobs, listEventsOfJobs, listSequels, type JobFilter } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { buildStatusAnswer } from './build-status-answer.ts'
import type { QueueBoard } from './queue-board.ts'

/** The status answers of the jobs that fit, newest first; an empty list when none does. */
export async function listStatus(
  filter: JobFilter,
  deps: { db: Database; queue: QueueBoard },
): Promise<JobStatusAnswer[]> {
  const jobs = await findJobs(deps.db, filter)
  const ids = jobs.map((job) => job.jobId)
  // After the rows, never beside them: a job that shows its end must show the event of it.
  const timelines = ids.length === 0 ? undefined : await listEventsOfJobs(deps.db, ids)
  const ended = jobs.flatMap(({ jobId, dateFinished }) => (dateFinished === null ? [] : [jobId]))
  const sequels = await listSequels(deps.db, ended)
  return Promise.all(
    jobs.map(async (job) => {
      const { jobId } = job
      const position = await deps.queue.positionOf(job)
      return buildStatusAnswer(job, timelines?.get(jobId) ?? [], position, sequels.get(jobId))
    }),
  )
}
