import type { Database } from '@c2d/postgres'

/**
 * Says where an engine can be asked about the jobs it holds; to be repeated with its ticks. Engines that were silent
 * for a day are forgotten.
 * @param engine.instance the name it claims with
 * @param engine.url base address for other services, or null where it serves nothing
 */
export async function announceEngine(db: Database, engine: { instance: string; url: string | null }): Promise<void> {
  await db.raw(
    `WITH forgotten AS (
       DELETE FROM engines WHERE seen_at < clock_timestamp() - interval '1 day' AND instance <> :instance
     )
     INSERT INTO engines (instance, url, seen_at) VALUES (:instance, :url, clock_timestamp())
     ON CONFLICT (instance) DO UPDATE SET url = excluded.url, seen_at = excluded.seen_at`,
    engine,
  )
}

/** The engine that holds an unfinished job, by a lease that still runs; null when none does, or it has no address. */
export async function loadEngineOfJob(db: Database, jobId: string): Promise<{ instance: string; url: string } | null> {
  const { rows } = await db.raw<{ rows: { instance: string; url: string }[] }>(
    `SELECT instance, url FROM jobs JOIN engines ON engines.instance = jobs.claimed_by
     WHERE workflowid = :jobId AND datefinished IS NULL AND lease_expires_at > clock_timestamp() AND url IS NOT NULL`,
    { jobId },
  )
  return rows[0] ?? null
}
