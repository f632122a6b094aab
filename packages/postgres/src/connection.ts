import type { Socket } from 'node:net'
import knex, { type Knex } from 'knex'
import pg from 'pg'

export type Database = Knex

const STATEMENT_TIMEOUT_MS = 15_000
/** How much longer than the longest statement a connection may be silent. */
const SILENCE_GRACE_MS = 5_000
/** After how much silence the kernel asks whether the other machine is still there. */
const KEEP_ALIVE_MS = 10_000

/**
 * Opens a connection pool. Every connection speaks UTC, because the original tables hold times without a zone
 * (operator-service-api §8), and gives up on a statement after a limit, so nothing waits for ever: the server keeps
 * the limit, and a connection that stays silent beyond it is closed from here, since a half-open one keeps nothing.
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
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS
  return knex({
    client: 'pg',
    connection: {
      connectionString: options.url,
      application_name: options.applicationName,
      options: '-c timezone=UTC',
      statement_timeout: statementTimeoutMs,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    } as Knex.PgConnectionConfig,
    pool: {
      min: 0,
      max: options.maxConnections ?? 10,
      afterCreate: (created: PgConnection, done: (error: null, connection: PgConnection) => void) => {
        endWhenSilent(created.connection.stream, statementTimeoutMs + SILENCE_GRACE_MS)
        done(null, created)
      },
    },
    acquireConnectionTimeout: 10_000,
    log: SILENT,
  })
}

/**
 * Opens one bare connection outside the pool, for LISTEN. The caller ends it.
 * @param options.url PostgreSQL connection string
 * @param options.silentMs how long nothing may pass before the connection is closed with an error; absent is for ever.
 * Who sets it asks something more often than that: to those who only listen, a half-open connection is a quiet one
 */
export async function openListener(options: {
  url: string
  applicationName: string
  silentMs?: number
}): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  })
  await client.connect()
  if (options.silentMs !== undefined)
    endWhenSilent((client as unknown as PgConnection).connection.stream, options.silentMs)
  return client
}

/** The part of a `pg` connection that its types do not show: the socket below it. */
interface PgConnection {
  connection: { stream: Socket }
}

// knex prints what it also throws; whoever asked hears of it, and says it in our own lines.
const SILENT = { warn: ignore, error: ignore, debug: ignore, deprecate: ignore }

function ignore(): void {
  // said elsewhere
}

/** Its query fails, and the pool lets go of it. An idle connection is closed as well, and opened again when needed. */
function endWhenSilent(stream: Socket, silentMs: number): void {
  stream.setTimeout(silentMs, () => stream.destroy(new Error(`the database was silent for ${silentMs} ms`)))
}
