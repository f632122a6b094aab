import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findFreePort, startPostgres, type PostgresServer } from '@c2d/dev-servers'
import { MIGRATIONS, setPodPassword } from '@c2d/operator-db'
import { migrateToLatest, openDatabase } from '@c2d/postgres'
import { sleep } from '@c2d/runtime'
import { withPatience } from './patience.ts'

/** A PostgreSQL of our own that can be taken down and comes back on the same port with the same data. */
export interface RestartablePostgres {
  readonly port: number
  url(database: string): string
  /** A fresh database with the schema, and the pods' password set. */
  createDatabase(name: string, podPassword: string): Promise<void>
  dropDatabase(name: string): Promise<void>
  /** Down, for so long, and up again. `crash`: no session is told, and recovery has to run. */
  restart(how: 'orderly' | 'crash', downMs: number): Promise<void>
  close(): Promise<void>
}

/** Starts the server in a temporary folder. */
export async function startRestartablePostgres(): Promise<RestartablePostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-chaos-postgres-'))
  await chmod(folder, 0o711) // as root the server runs as another user, who must be able to enter
  const options = { dataDir: join(folder, 'data'), port: await findFreePort() }
  let server: PostgresServer = await startPostgres(options)
  const url = (database: string): string => server.url(database)

  async function maintain(statement: string): Promise<void> {
    const db = openDatabase({ url: url('postgres'), applicationName: 'chaos', maxConnections: 1 })
    try {
      await db.raw(statement)
    } finally {
      await db.destroy()
    }
  }

  return {
    port: options.port,
    url,
    async createDatabase(name, podPassword) {
      await maintain(`CREATE DATABASE ${name}`)
      // The server's development settings would forget commits in a crash, which is not what is tried here.
      await maintain(`ALTER DATABASE ${name} SET synchronous_commit = on`)
      const db = openDatabase({ url: url(name), applicationName: 'chaos', maxConnections: 2 })
      await migrateToLatest(db, MIGRATIONS)
      await setPodPassword(db, podPassword)
      await db.destroy()
    },
    dropDatabase: (name) => maintain(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
    async restart(how, downMs) {
      if (how === 'crash') process.kill(server.pid, 'SIGQUIT')
      await server.stop()
      await sleep(downMs)
      // The port was free for a moment, and somebody's outgoing connection may sit on it.
      server = await withPatience(() => startPostgres(options))
    },
    async close() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
      // Where the server's user could not enter our temporary folder, its files are in another one of its own.
      await rm(dirname(server.dataDir), { recursive: true, force: true })
    },
  }
}
