/** What the run's global setup hands to every test file. */
export interface TestRun {
  /** Names this run's databases, so that runs sharing one server do not meet. */
  readonly runId: string
  /** A superuser's connection string to a real PostgreSQL. */
  readonly postgresUrl: string
  /** The state of a chain with the contracts deployed; absent where none was made. */
  readonly chainStateFile?: string
}

const RUN_ID = 'C2D_TEST_RUN_ID'
const POSTGRES_URL = 'C2D_TEST_POSTGRES_URL'
const CHAIN_STATE_FILE = 'C2D_TEST_CHAIN_STATE_FILE'

/** The server a developer names for tests by `TEST_DATABASE_URL` (as a superuser), if any. */
export function loadOwnDatabaseUrl(): string | undefined {
  return process.env['TEST_DATABASE_URL'] || undefined
}

/** Hands the run over to jest's workers: the environment is all that global setup shares with them. */
export function publishTestRun(run: TestRun): void {
  process.env[RUN_ID] = run.runId
  process.env[POSTGRES_URL] = run.postgresUrl
  if (run.chainStateFile !== undefined) process.env[CHAIN_STATE_FILE] = run.chainStateFile
}

/** The run this test file belongs to. Throws outside a jest project that has the global setup. */
export function loadTestRun(): TestRun {
  const runId = process.env[RUN_ID]
  const postgresUrl = process.env[POSTGRES_URL]
  if (!runId || !postgresUrl) {
    throw new Error('no test PostgreSQL: run this test in the integration project (npm run test:integration)')
  }
  const chainStateFile = loadChainStateFile()
  return { runId, postgresUrl, ...(chainStateFile !== undefined && { chainStateFile }) }
}

/** The state of a chain with the contracts deployed, where the global setup made one. */
export function loadChainStateFile(): string | undefined {
  return process.env[CHAIN_STATE_FILE] || undefined
}
