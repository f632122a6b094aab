import { JOB_STATUS } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

/** How many jobs of all environments wait, and how many are at work. */
export async function countUnfinished(db: Database): Promise<{ queued: number; atWork: number }> {
  const { rows } = await db.raw<{ rows: { queued: number; atWork: number }[] }>(
    `SELECT (SELECT count(*) FROM jobs WHERE status = ${JOB_STATUS.warmingUp.code} AND datefinished IS NULL)::int AS queued,
       (SELECT count(*) FROM jobs WHERE status > ${JOB_STATUS.warmingUp.code} AND datefinished IS NULL)::int AS "atWork"`,
  )
  return rows[0] ?? { queued: 0, atWork: 0 }
}
