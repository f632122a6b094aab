import type { Database } from '@c2d/postgres'

/** Those of the given jobs that have no row, or a finished one: whatever still exists of them is an orphan. */
export async function jobsWithoutRow(db: Database, jobIds: readonly string[]): Promise<string[]> {
  if (jobIds.length === 0) return []
  const { rows } = await db.raw<{ rows: { jobId: string }[] }>(
    `SELECT given.id AS "jobId" FROM unnest(:jobIds::text[]) AS given (id)
     WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE workflowid = given.id AND datefinished IS NULL)`,
    { jobIds },
  )
  return rows.map((row) => row.jobId)
}
