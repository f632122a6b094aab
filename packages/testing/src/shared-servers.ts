import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
// Jest runs global setup outside its module system, where the `source` condition is unknown: this entry is the source.
import { deployContracts, findFreePort, startChain, startPostgres, type PostgresServer } from '@c2d/dev-servers/source'
import { loadOwnDatabaseUrl, publishTestRun, type TestRun } from './config.ts'
import { dropTestDatabases } from './test-databases.ts'

interface SharedServers {
  readonly run: TestRun
  readonly folder: string
  /** Absent where the developer named a server. */
  readonly postgres: PostgresServer | undefined
}

let shared: SharedServers | undefined

/**
 * Makes what all test files of a run share: a PostgreSQL (the one of `TEST_DATABASE_URL`, else a throwaway one) and the
 * state of a chain with the contracts deployed. Both are handed over by `publishTestRun`.
 */
export async function startSharedServers(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-test-'))
  const ownUrl = loadOwnDatabaseUrl()
  const started = await Promise.allSettled([
    ownUrl === undefined ? startThrowawayPostgres(folder) : Promise.resolve(undefined),
    makeChainState(join(folder, 'chain-state.json')),
  ])
  const [postgres, chainStateFile] = started
  if (postgres.status === 'rejected' || chainStateFile.status === 'rejected') {
    if (postgres.status === 'fulfilled') await postgres.value?.stop()
    await rm(folder, { recursive: true, force: true })
    throw postgres.status === 'rejected' ? postgres.reason : (chainStateFile as PromiseRejectedResult).reason
  }
  const run: TestRun = {
    runId: randomBytes(4).toString('hex'),
    postgresUrl: ownUrl ?? postgres.value?.url('postgres') ?? '',
    chainStateFile: chainStateFile.value,
  }
  shared = { run, folder, postgres: postgres.value }
  publishTestRun(run)
}

/** Ends what `startSharedServers` made; from a server that is not ours it removes this run's databases. */
export async function stopSharedServers(): Promise<void> {
  if (!shared) return
  const { run, folder, postgres } = shared
  shared = undefined
  if (postgres) await postgres.stop()
  else await dropTestDatabases(run)
  await rm(folder, { recursive: true, force: true })
  // Where the server's user could not enter our temporary folder, its files are in another one of its own.
  if (postgres) await rm(dirname(postgres.dataDir), { recursive: true, force: true })
}

async function startThrowawayPostgres(folder: string): Promise<PostgresServer> {
  await chmod(folder, 0o711) // as root the server runs as another user, who must be able to enter
  return startPostgres({ dataDir: join(folder, 'postgres'), port: await findFreePort() })
}

async function makeChainState(stateFile: string): Promise<string> {
  const chain = await startChain({ port: await findFreePort(), stateFile })
  try {
    await deployContracts(chain.url)
  } finally {
    await chain.stop()
  }
  return stateFile
}
