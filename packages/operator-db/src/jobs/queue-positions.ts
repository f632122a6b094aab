import type { Database } from '@c2d/postgres'

/**
 * Where each queued job of an environment stands, counted from 1, by the rule that claims follow. Ranks the whole queue:
 * who asks often keeps the answer for a moment.
 */
export async function loadQueuePositions(db: Database, environment: string): Promise<Map<string, number>> {
  const { rows } = await db.raw<{ rows: { jobId: string; position: number }[] }>(
    'SELECT job_id AS "jobId", position::int AS position FROM job_queue WHERE environment = :environment',
    { environment },
  )
  return new Map(rows.map((row) => [row.jobId, row.position]))
}
