import type { Database } from '@c2d/postgres'

/**
 * The key of a result that is kept encrypted (DESIGN §4.7); for operator-service alone.
 * @param of.object the object's name in its backend
 * @returns 32 bytes; null where there is none (any more)
 */
export async function loadResultKey(db: Database, of: { jobId: string; object: string }): Promise<Buffer | null> {
  const { rows } = await db.raw<{ rows: { key: Buffer }[] }>(
    'SELECT key FROM result_keys WHERE job_id = :jobId AND object = :object',
    of,
  )
  return rows[0]?.key ?? null
}
