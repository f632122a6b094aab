import type { Database } from '@c2d/postgres'

/**
 * Where queued jobs stand in the queues of their environments, counted from 1, by the rule that claims follow.
 * @returns positions by job id; a job that is not queued is absent
 */
export async function loadQueuePositions(
  db: Database,
  selection: { environments: readonly string[]; jobIds: readonly string[] },
): Promise<Map<string, number>> {
  const { rows } = await db.raw<{ rows: { jobId: string; position: number }[] }>(
    `SELECT job_id AS "jobId", position::int AS position FROM job_queue
     WHERE environment = ANY (:environments) AND job_id = ANY (:jobIds)`,
    selection,
  )
  return new Map(rows.map((row) => [row.jobId, row.position]))
}
