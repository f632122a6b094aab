import type { Database } from '@c2d/postgres'
import type { Knex } from 'knex'
import { JOB_COLUMNS, parseJobRow, type JobRow, type StoredJob } from '../job-row.ts'

/**
 * Reads jobs.
 * @param source a FROM clause that names its rows `jobs`, and what follows it; constant text only
 */
export async function selectJobs(db: Database, source: string, bindings: Knex.ValueDict = {}): Promise<JobRow[]> {
  const { rows } = await db.raw<{ rows: StoredJob[] }>(`SELECT ${JOB_COLUMNS} FROM ${source}`, bindings)
  return rows.map(parseJobRow)
}
