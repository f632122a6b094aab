import { MIGRATIONS } from '@c2d/operator-db'
import { migrateToLatest, type Database } from '@c2d/postgres'
import { sleep, toError } from '@c2d/runtime'

const PAUSE_MS = 250
const ATTEMPTS = 120

/**
 * Brings the database to this build's schema. Of several processes that start at once one migrates, under knex's lock,
 * and the others wait for it.
 * @throws Error when the lock is not given back within half a minute: its holder died, or is still at work
 */
export async function migrateDatabase(db: Database): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await migrateToLatest(db, MIGRATIONS)
      return
    } catch (thrown) {
      if (attempt === ATTEMPTS || !isLocked(thrown)) throw thrown
      await sleep(PAUSE_MS)
    }
  }
}

/** Knex has no class to ask for; two first migrators may also collide on creating its own tables. */
function isLocked(thrown: unknown): boolean {
  const { message } = toError(thrown)
  return /already locked|pg_type_typname_nsp_index|pg_class_relname_nsp_index|relation "schema_migrations\w*" already exists/.test(
    message,
  )
}
