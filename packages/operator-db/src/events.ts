import type { JobEvent } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

const COLUMNS = `what, (extract(epoch FROM at) * 1000)::float8 AS "atMs", by_whom AS by, detail`

/** Of one reading; who wants more reads again. */
const MAX_EVENTS = 5_000

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

/** An event with its place in the order of all events, decimal. */
export type NumberedEvent = JobEvent & { id: string }

/**
 * What happened to some jobs since, in order; one statement, however many jobs.
 * @param jobs.afterId the last event that is known of the job; `0` for none
 * @returns new events by job id; a job without any is absent
 */
export async function listEventsSince(
  db: Database,
  jobs: readonly { jobId: string; afterId: string }[],
): Promise<Map<string, NumberedEvent[]>> {
  const { rows } = await db.raw<{ rows: (StoredEvent & { id: string; jobId: string })[] }>(
    `SELECT job_id AS "jobId", id::text AS id, ${COLUMNS}
     FROM unnest(:jobIds::text[], :afterIds::bigint[]) AS known (job, after)
     JOIN job_events ON job_id = known.job AND id > known.after
     ORDER BY id LIMIT ${MAX_EVENTS}`,
    { jobIds: jobs.map((job) => job.jobId), afterIds: jobs.map((job) => job.afterId) },
  )
  const news = new Map<string, NumberedEvent[]>()
  for (const { id, jobId, what, atMs, by, detail } of rows) {
    const events = news.get(jobId) ?? []
    events.push({ id, what, atMs, by, ...(detail === null ? {} : { detail }) })
    news.set(jobId, events)
  }
  return news
}
