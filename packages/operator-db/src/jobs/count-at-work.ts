import { JOB_STATUS } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

/** How many jobs of each environment are at work, whoever's they are; an environment without any is absent. */
export async function countAtWork(db: Database, environments: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await db.raw<{ rows: { environment: string; jobs: number }[] }>(
    `SELECT namespace AS environment, count(*)::int AS jobs FROM jobs
     WHERE namespace = ANY (:environments) AND status > ${JOB_STATUS.warmingUp.code} AND datefinished IS NULL
     GROUP BY namespace`,
    { environments },
  )
  return new Map(rows.map(({ environment, jobs }) => [environment, jobs]))
}
