import { MIGRATIONS } from '@c2d/operator-db'
import { isSchemaCurrent, migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import { sleep } from '@c2d/runtime'

const PAUSE_MS = 250
const GIVE_UP_AFTER_MS = 5 * 60_000
/** Any number, the same in every process that migrates. */
const LOCK_KEY = 20_260_101
/** Of one statement: an adopted database may be large, and its indexes are built while nobody works with it. */
const STATEMENT_LIMIT_MS = 60 * 60_000

/**
 * Brings a database to this build's schema. Of several processes that start at once one migrates and the others wait.
 * A database that has the schema is not touched, so that an account of least privilege passes here. It has connections
 * of its own: those that serve give a statement up after seconds, and are closed when they are silent.
 * @param url PostgreSQL connection string
 * @throws Error when another process migrates for more than five minutes
 */
export async function migrateDatabase(url: string): Promise<void> {
  const applicationName = 'operator-service migrations'
  const db = openDatabase({ url, applicationName, maxConnections: 3, statementTimeoutMs: STATEMENT_LIMIT_MS })
  try {
    const giveUpAtMs = Date.now() + GIVE_UP_AFTER_MS
    while (!(await migrateAlone(db))) {
      if (Date.now() > giveUpAtMs) throw new Error('another process has been migrating the database for five minutes')
      await sleep(PAUSE_MS)
    }
  } finally {
    await db.destroy()
  }
}

/**
 * Knex's own lock is a row: two first migrators may both make it, and one that dies leaves it locked for ever. Ours
 * ends with its session; whoever holds it knows that knex's, if it is taken, is a dead one's.
 */
async function migrateAlone(db: Database): Promise<boolean> {
  return db.transaction(async (holder) => {
    const { rows } = await holder.raw<{ rows: { taken: boolean }[] }>('SELECT pg_try_advisory_xact_lock(?) AS taken', [
      LOCK_KEY,
    ])
    if (rows[0]?.taken !== true) return false
    if (await isSchemaCurrent(db, MIGRATIONS)) return true
    await db.migrate.forceFreeMigrationsLock({ tableName: 'schema_migrations' })
    await migrateToLatest(db, MIGRATIONS)
    return true
  })
}
