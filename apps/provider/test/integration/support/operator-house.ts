import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addressOf } from '@c2d/chain'
import { findFreePort, spawnGuarded, type GuardedChild } from '@c2d/dev-servers'
import { openDatabase, type Database } from '@c2d/postgres'
import { createTestDatabase } from '@c2d/testing'
import { ENVIRONMENT_KEY, PROVIDER_KEY } from './stack.ts'

const APPS = new URL('../../../../', import.meta.url)
const programOf = (path: string): string => fileURLToPath(new URL(path, APPS))
const READY_TIMEOUT_MS = 60_000

/**
 * The operator's side as it is run: operator-service and, where it is asked for, an engine with its pods, each a process
 * of its own build (`npm run build`), over a database of its own.
 */
export interface OperatorHouse {
  /** Where operator-service listens. */
  url: string
  /** The jobs database; everything in it may be read. */
  db: Database
  /** Starts an engine, which announces the environments `free` and `paid`; its pods may reach these hosts. */
  startEngine(hosts: readonly string[]): Promise<void>
  /** How many rows each table of the jobs database has. */
  countRows(): Promise<Record<string, number>>
  close(): Promise<void>
}

/** Starts operator-service. */
export async function openOperatorHouse(): Promise<OperatorHouse> {
  const database = await createTestDatabase({ migrate: () => Promise.resolve() })
  const folder = await mkdtemp(join(tmpdir(), 'c2d-house-'))
  const resultsFolder = join(folder, 'results')
  const children: GuardedChild[] = []
  const url = `http://127.0.0.1:${await findFreePort()}`
  children.push(
    await run('operator-service/dist/main.js', url, {
      OPERATOR_URL: url,
      DATABASE_URL: database.url,
      ALLOWED_PROVIDERS: JSON.stringify([addressOf(PROVIDER_KEY)]),
      RESULTS_FOLDER: resultsFolder,
    }),
  )
  const db = openDatabase({ url: database.url, applicationName: 'provider-test' })
  return {
    url,
    db,
    async startEngine(hosts) {
      const port = await findFreePort()
      const environment = { privateKey: ENVIRONMENT_KEY, maxJobs: 2, maxJobDuration: 60 }
      const engine = await run('operator-engine/dist/main.js', `http://127.0.0.1:${port}`, {
        PATH: process.env['PATH'] ?? '',
        DATABASE_URL: database.url,
        // The role of pods belongs to the whole server, and so does its password, which other tests set too.
        POD_DATABASE_URL: database.url,
        ENVIRONMENTS: JSON.stringify([
          { id: 'free', priceMin: 0, ...environment },
          { id: 'paid', priceMin: 0.1, ...environment },
        ]),
        WORKSPACES_FOLDER: join(folder, 'workspaces'),
        RESULTS_FOLDER: resultsFolder,
        POD_CONFIGURATION_PROGRAM: programOf('pod-configuration/dist/pod.mjs'),
        POD_PUBLISHING_PROGRAM: programOf('pod-publishing/dist/pod.mjs'),
        OUTBOUND_ALLOW: hosts.join(','),
        ALLOW_UNSANDBOXED: 'true',
        HEALTH_HOST: '127.0.0.1',
        HEALTH_PORT: String(port),
      })
      children.push(engine)
    },
    async countRows() {
      const { rows } = await db.raw<{ rows: { name: string }[] }>(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
      )
      const counts = rows.map(async ({ name }) => {
        const [row] = await db(name).count<{ count: string }[]>('* as count')
        return [name, Number(row?.count)] as const
      })
      return Object.fromEntries(await Promise.all(counts))
    },
    async close() {
      for (const child of children.reverse()) await child.stop()
      await db.destroy()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Starts a program and waits until it is ready. */
async function run(program: string, url: string, env: Record<string, string>): Promise<GuardedChild> {
  const child = spawnGuarded({
    command: process.execPath,
    args: ['--enable-source-maps', programOf(program)],
    env,
    stopSignal: 'SIGTERM',
  })
  const state = { hasEnded: false }
  void child.exited.then(() => (state.hasEnded = true))
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (!(await isReady(url))) {
    if (!state.hasEnded && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))
    else throw new Error(`${program} ${state.hasEnded ? 'ended' : 'is not ready'}:\n${child.recentLog()}`)
  }
  return child
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  )
}
