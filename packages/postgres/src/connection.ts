import knex, { type Knex } from 'knex'
import pg from 'pg'

export type Database = Knex

/**
 * Opens a connection pool. Every connection speaks UTC, because the original tables hold times without a zone
 * (operator-service-api §8), and gives up on a statement after a limit, so nothing waits for ever.
 * @param options.url PostgreSQL connection string
 * @param options.applicationName what `pg_stat_activity` shows
 * @param options.maxConnections size of the pool
 * @param options.statementTimeoutMs limit of one statement
 */
export function openDatabase(options: {
  url: string
  applicationName: string
  maxConnections?: number
  statementTimeoutMs?: number
}): Database {
  return knex({
    client: 'pg',
    connection: {
      connectionString: options.url,
      application_name: options.applicationName,
      options: '-c timezone=UTC',
      statement_timeout: options.statementTimeoutMs ?? 15_000,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    } as Knex.PgConnectionConfig,
    pool: { min: 0, max: options.maxConnections ?? 10 },
    acquireConnectionTimeout: 10_000,
  })
}

/**
 * Opens one bare connection outside the pool, for LISTEN. The caller ends it.
 * @param options.url PostgreSQL connection string
 */
export async function openListener(options: { url: string; applicationName: string }): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  })
  await client.connect()
  return client
}
