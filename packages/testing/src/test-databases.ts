import { createHash, randomBytes } from 'node:crypto'
import pg from 'pg'
import type { TestRun } from './config.ts'

/** The name of this run's database made once for a template. */
export function templateDatabaseName(run: TestRun, template: string): string {
  return `${prefix(run)}template_${createHash('sha256').update(template).digest('hex').slice(0, 16)}`
}

/** A name for one more database of this run. */
export function newDatabaseName(run: TestRun): string {
  return `${prefix(run)}${randomBytes(6).toString('hex')}`
}

/** The run's connection string, but to that database. */
export function databaseUrl(run: TestRun, database: string): string {
  const url = new URL(run.postgresUrl)
  url.pathname = `/${encodeURIComponent(database)}`
  return url.toString()
}

/** Runs statements in a session of the run's maintenance database. */
export async function withMaintenance<T>(run: TestRun, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: run.postgresUrl })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** Removes every database that belongs to this run. */
export async function dropTestDatabases(run: TestRun): Promise<void> {
  await withMaintenance(run, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      [prefix(run)],
    )
    for (const { datname } of rows) await client.query(dropStatement(datname))
  })
}

/** The statement that removes a database together with whoever is still connected to it. */
export function dropStatement(database: string): string {
  return `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`
}

function prefix(run: TestRun): string {
  return `c2d_test_${run.runId}_`
}
