import { JOB_STATUS, type JobStatusAnswer } from '@c2d/contracts'
import { findJobs, listEventsOfJobs, loadQueuePositions, type JobFilter, type JobRow } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { buildStatusAnswer } from './build-status-answer.ts'

/** The status answers of the jobs that fit, newest first; an empty list when none does. */
export async function listStatus(db: Database, filter: JobFilter): Promise<JobStatusAnswer[]> {
  // A named job's timeline needs no look at the job first.
  const named = filter.jobId === undefined ? undefined : listEventsOfJobs(db, [filter.jobId])
  const [jobs, ahead] = await Promise.all([findJobs(db, filter), named])
  const ids = jobs.map((job) => job.jobId)
  const [timelines, positions] = await Promise.all([
    ahead ?? (ids.length === 0 ? undefined : listEventsOfJobs(db, ids)),
    queuePositions(db, jobs),
  ])
  return jobs.map((job) => buildStatusAnswer(job, timelines?.get(job.jobId) ?? [], positions?.get(job.jobId) ?? null))
}

/** Ranking a queue costs more than reading a job: it is done only for those who wait in one. */
async function queuePositions(db: Database, jobs: readonly JobRow[]): Promise<Map<string, number> | undefined> {
  const queued = jobs.filter((job) => job.status === JOB_STATUS.warmingUp.code && job.dateFinished === null)
  if (queued.length === 0) return undefined
  return loadQueuePositions(db, {
    environments: [...new Set(queued.map((job) => job.environment))],
    jobIds: queued.map((job) => job.jobId),
  })
}
