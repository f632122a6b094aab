import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFreePort, startPostgres } from '@c2d/dev-servers'
import { MIGRATIONS, setPodPassword } from '@c2d/operator-db'
import { migrateToLatest, openDatabase } from '@c2d/postgres'

const APPS = fileURLToPath(new URL('../../../apps/', import.meta.url))
const POD_PASSWORD = 'pods-of-a-bench'

/** A real PostgreSQL for one bench, a file to compute on, and what an engine needs to be told. */
export interface BenchWorld {
  /** Where a job's one input is. */
  readonly inputUrl: string
  /** A fresh database with the schema; gives its connection string. */
  createDatabase(name: string): Promise<string>
  /** The built engine's program, and its environment for that database; production settings, one environment. */
  engineProgram(databaseUrl: string, environment: EngineEnvironment): { entry: string; env: Record<string, string> }
  /** Where the engine of that environment keeps its jobs. */
  workspacesOf(environmentId: string): string
  close(): Promise<void>
}

/** The environment that an engine of a bench serves. */
export interface EngineEnvironment {
  readonly id: string
  readonly maxJobs: number
  readonly maxJobDuration: number
}

export async function createBenchWorld(): Promise<BenchWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-bench-'))
  await chmod(folder, 0o711) // as root the server runs as another user, who must be able to enter
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), port: await findFreePort() })
  const origin = createServer((_request, response) => response.end('a,b\n1,2\n'))
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  const originPort = (origin.address() as AddressInfo).port
  const workspacesOf = (environmentId: string): string => join(folder, environmentId)

  return {
    inputUrl: `http://127.0.0.1:${originPort}/data.csv`,
    workspacesOf,
    async createDatabase(name) {
      const url = await postgres.createDatabase(name)
      const db = openDatabase({ url, applicationName: 'bench', maxConnections: 2 })
      await migrateToLatest(db, MIGRATIONS)
      await setPodPassword(db, POD_PASSWORD)
      await db.destroy()
      return url
    },
    engineProgram(databaseUrl, environment) {
      const podUrl = Object.assign(new URL(databaseUrl), { username: 'c2d_pod', password: POD_PASSWORD })
      const env = {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        DATABASE_URL: databaseUrl,
        POD_DATABASE_URL: podUrl.href,
        ENVIRONMENTS: JSON.stringify([
          { ...environment, ramGB: 0.25, privateKey: `0x${randomBytes(32).toString('hex')}` },
        ]),
        WORKSPACES_FOLDER: workspacesOf(environment.id),
        RESULTS_FOLDER: join(folder, 'results'),
        POD_CONFIGURATION_PROGRAM: join(APPS, 'pod-configuration/dist/pod.mjs'),
        POD_PUBLISHING_PROGRAM: join(APPS, 'pod-publishing/dist/pod.mjs'),
        OUTBOUND_ALLOW: `127.0.0.1:${originPort}`,
        HEALTH_HOST: '127.0.0.1',
        HEALTH_PORT: '0',
        LOG_LEVEL: 'info',
      }
      return { entry: join(APPS, 'operator-engine/dist/main.js'), env }
    },
    async close() {
      origin.closeAllConnections()
      origin.close()
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
      // Where the server's user could not enter our temporary folder, its files are in another one of its own.
      await rm(dirname(postgres.dataDir), { recursive: true, force: true })
    },
  }
}
