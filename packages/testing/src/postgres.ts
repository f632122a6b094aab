import pg from 'pg'
import { loadTestRun, type TestRun } from './config.ts'
import { databaseUrl, dropStatement, newDatabaseName, templateDatabaseName, withMaintenance } from './test-databases.ts'

/** What the database should contain. */
export interface TestDatabaseOptions {
  /**
   * Names what `migrate` makes. It then runs once per run for all test files that give this name, and each file gets a
   * clone. Without a name it runs for this database alone.
   */
  readonly template?: string
  /** Brings an empty database to the wanted schema, and closes its connections. */
  readonly migrate: (url: string) => Promise<void>
}

/** A database that belongs to one test file. */
export interface TestDatabase {
  /** A superuser's connection string to it. */
  readonly url: string
  /** Removes it, and ends whoever is still connected. Safe to repeat. */
  drop(): Promise<void>
}

/** Makes a database of its own for a test file, in the run's PostgreSQL. Throws outside the integration project. */
export async function createTestDatabase({ template, migrate }: TestDatabaseOptions): Promise<TestDatabase> {
  const run = loadTestRun()
  const name = newDatabaseName(run)
  if (template === undefined) {
    await createDatabase(run, name, 'template0')
    await migrate(databaseUrl(run, name))
  } else {
    await createDatabase(run, name, await ensureTemplate(run, template, migrate))
  }
  return {
    url: databaseUrl(run, name),
    drop: async () => {
      await withMaintenance(run, (client) => client.query(dropStatement(name)))
    },
  }
}

function createDatabase(run: TestRun, name: string, source: string): Promise<unknown> {
  const statement = `CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE ${pg.escapeIdentifier(source)}`
  return withMaintenance(run, (client) => client.query(statement))
}

/**
 * Makes the template unless it exists. Jest's workers race here: a lock in the server lets one of them migrate while
 * the others wait, and the template gets its final name only when it is complete.
 */
function ensureTemplate(run: TestRun, template: string, migrate: (url: string) => Promise<void>): Promise<string> {
  const name = templateDatabaseName(run, template)
  const unfinished = `${name}_new`
  return withMaintenance(run, async (client) => {
    // A session lock: the end of this session, in whatever way, gives it back.
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [name])
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
    if (rowCount) return name
    await client.query(dropStatement(unfinished))
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(unfinished)} TEMPLATE template0`)
    await migrate(databaseUrl(run, unfinished))
    // Sessions that migrate ended a moment ago may still be on their way out, and RENAME does not wait for them.
    await client.query(
      'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()',
      [unfinished],
    )
    await client.query(`ALTER DATABASE ${pg.escapeIdentifier(unfinished)} RENAME TO ${pg.escapeIdentifier(name)}`)
    return name
  })
}
