import { JOB_STATUS } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

/** How many jobs wait to be claimed in an environment. */
export async function countQueued(db: Database, environment: string): Promise<number> {
  const { rows } = await db.raw<{ rows: { queued: number }[] }>(
    `SELECT count(*)::int AS queued FROM jobs
     WHERE namespace = :environment AND status = ${JOB_STATUS.warmingUp.code} AND datefinished IS NULL`,
    { environment },
  )
  return rows[0]?.queued ?? 0
}
