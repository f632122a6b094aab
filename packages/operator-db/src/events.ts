import type { JobEvent } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

const COLUMNS = `what, (extract(epoch FROM at) * 1000)::float8 AS "atMs", by_whom AS by, detail`

type StoredEvent = Omit<JobEvent, 'detail'> & { detail: Record<string, unknown> | null }

/** The timeline of a job, in the order things happened. */
export async function listEvents(db: Database, jobId: string): Promise<JobEvent[]> {
  return (await listEventsOfJobs(db, [jobId])).get(jobId) ?? []
}

/** The timelines of several jobs at once, by job id; a job without events is absent. */
export async function listEventsOfJobs(db: Database, jobIds: readonly string[]): Promise<Map<string, JobEvent[]>> {
  const { rows } = await db.raw<{ rows: (StoredEvent & { jobId: string })[] }>(
    `SELECT job_id AS "jobId", ${COLUMNS} FROM job_events WHERE job_id = ANY (:jobIds) ORDER BY id`,
    { jobIds },
  )
  const timelines = new Map<string, JobEvent[]>()
  for (const { jobId, what, atMs, by, detail } of rows) {
    const timeline = timelines.get(jobId) ?? []
    timeline.push({ what, atMs, by, ...(detail === null ? {} : { detail }) })
    timelines.set(jobId, timeline)
  }
  return timelines
}
