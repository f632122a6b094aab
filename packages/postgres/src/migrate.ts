import type { Knex } from 'knex'
import type { Database } from './connection.ts'

/** One schema change; `name` is `YYYYMMDDHHMMSS_snake_case` and orders them. */
export interface Migration {
  name: string
  up: (db: Knex) => Promise<void>
  down: (db: Knex) => Promise<void>
}

/**
 * Brings a database to the newest schema. Knex takes its own lock, so many processes may start at once.
 * @param migrations every migration there is, oldest first; imported, never looked up on disk
 */
export async function migrateToLatest(db: Database, migrations: readonly Migration[]): Promise<void> {
  await db.migrate.latest(knexOptions(migrations))
}

/** Takes the last batch back; for tests of `down`. */
export async function rollbackLatest(db: Database, migrations: readonly Migration[]): Promise<void> {
  await db.migrate.rollback(knexOptions(migrations))
}

/** Whether the schema in the database is exactly the one this build knows. */
export async function isSchemaCurrent(db: Database, migrations: readonly Migration[]): Promise<boolean> {
  const [completed, pending] = (await db.migrate.list(knexOptions(migrations))) as [unknown[], unknown[]]
  return pending.length === 0 && completed.length === migrations.length
}

function knexOptions(migrations: readonly Migration[]): Knex.MigratorConfig {
  return {
    tableName: 'schema_migrations',
    migrationSource: {
      getMigrations: () => Promise.resolve([...migrations]),
      getMigrationName: (migration: Migration) => migration.name,
      getMigration: (migration: Migration) => Promise.resolve({ up: migration.up, down: migration.down }),
    },
  }
}
