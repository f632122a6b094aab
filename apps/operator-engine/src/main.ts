import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { STEP_FILE } from '@c2d/contracts'
import { createGuardedFetch, createGuardedUpload, listen } from '@c2d/http-kit'
import { MIGRATIONS, countUnproven, loadDeliveryKey } from '@c2d/operator-db'
import { isDatabaseUnavailable, isSchemaCurrent, openDatabase, waitForDatabase, type Database } from '@c2d/postgres'
import { createLogger, createShutdown, runMain, toError } from '@c2d/runtime'
import { createResultStores, formatResultsConfig } from '@c2d/storage'
import { readConfig, type Config } from './config.ts'
import { createExecutor } from './create-executor.ts'
import { startEngine } from './engine.ts'
import { createEngineApp } from './http/app.ts'
import { openWallets } from './transactions/wallet-settings.ts'

const GRACE_MS = 20_000
const DATABASE_WAIT_MS = 60_000
const FETCH_TIMEOUT_MS = 10_000
/** What streams leaves much that is young and large: collected early, it does not add up (bench/README.md). */
const POD_FLAGS = ['--max-semi-space-size=2']
const UPLOAD_SILENCE_MS = 120_000
const UPLOADS_AT_ONCE = 16

await runMain(async () => {
  const config = readConfig(process.env)
  const log = createLogger({ component: 'operator-engine', level: config.logLevel })
  const shutdown = createShutdown({ graceMs: GRACE_MS, signals: ['SIGTERM', 'SIGINT'] }, { log })

  const db = openDatabase({ url: config.databaseUrl.reveal(), applicationName: 'operator-engine', maxConnections: 20 })
  shutdown.onClose('database', () => db.destroy())
  const isThere = await waitForDatabase({
    ask: () => findMissingSchema(db),
    patienceMs: DATABASE_WAIT_MS,
    signal: shutdown.signal,
    onWaiting: (missing) => log.warn({ missing }, 'waiting for the database'),
  })
  if (!isThere) return

  const executor = await createExecutor(config, log)
  shutdown.onClose('executor', () => executor.close())
  const pods = {
    configure: {
      command: podCommand(config, config.podConfigurationProgram),
      env: { OUTBOUND_ALLOW: config.outboundAllow.join(','), ...config.staging },
    },
    publish: {
      command: podCommand(config, config.podPublishingProgram),
      env: { OUTBOUND_ALLOW: config.outboundAllow.join(',') },
      // Keys of buckets go where only this step looks, and into no environment.
      files: { [STEP_FILE.results]: formatResultsConfig(config.results) },
    },
  }

  const results = createResultStores(config.results, {
    keys: { load: (jobId, object) => loadDeliveryKey(db, { jobId, object }) },
  })
  shutdown.onClose('results', () => results.close())

  const wallets = openWallets(config.wallets)
  shutdown.onClose('wallets', () => wallets.forEach(({ wallet }) => wallet.close()))

  const served = config.environments.map(({ id }) => id)
  let readLastTickMs: () => number = Date.now // until the engine runs
  const app = createEngineApp(
    { secret: config.engineSecret },
    {
      checks: {
        async database() {
          await db.raw('SELECT 1')
        },
        // eslint-disable-next-line @typescript-eslint/require-await -- a check is a promise by contract
        async loop() {
          if (Date.now() - readLastTickMs() > 4 * config.tickMs) throw new Error('the loop has not ticked lately')
        },
      },
      executor,
      countUnproven: () => countUnproven(db, served),
      log,
    },
  )
  const listening = await listen(app, config.health)
  shutdown.onClose('health', () => listening.close())
  log.info({ port: listening.port }, 'health served')

  const engine = startEngine(
    {
      instance: `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`,
      url: config.engineSecret ? (config.engineUrl ?? ownUrl(config.health.host, listening.port)) : null,
      environments: config.environments,
      databaseUrl: config.databaseUrl.reveal(),
      podDatabaseUrl: config.podDatabaseUrl.reveal(),
      leaseSeconds: config.leaseSeconds,
      tickMs: config.tickMs,
      keepFailedSeconds: config.keepFailedSeconds,
      deliveries: config.deliveries,
      notify: config.notify,
      proofKeyDays: config.proofKeyDays,
      proofSigner: config.proofSigner,
    },
    {
      db,
      executor,
      results,
      fetch: createGuardedFetch({ allowList: config.outboundAllow, timeoutMs: FETCH_TIMEOUT_MS }),
      upload: createGuardedUpload({
        allowList: config.outboundAllow,
        timeoutMs: UPLOAD_SILENCE_MS,
        connections: UPLOADS_AT_ONCE,
      }),
      pods,
      wallets,
      nowMs: Date.now,
      log,
    },
  )
  readLastTickMs = () => engine.lastTickMs()
  shutdown.onClose('engine', () => engine.close())
})

/** operator-service owns the migrations, and with them the rights of this engine's role. */
async function findMissingSchema(db: Database): Promise<string | null> {
  try {
    if (await isSchemaCurrent(db, MIGRATIONS)) return null
    return 'the database has not the schema of this build: start operator-service of the same version first'
  } catch (thrown) {
    if (isDatabaseUnavailable(thrown) || isAboutLogin(thrown)) throw thrown
    return `the schema cannot be read: ${toError(thrown).message}`
  }
}

/** SQLSTATEs of a wrong name, a wrong password, a database that is not there. */
function isAboutLogin(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^(28|3D)/.test(code)
}

/** How a pod of ours is started: by this Node, or by the one of its image. */
function podCommand(config: Config, program: string): string[] {
  const [node, path] = config.executor === 'kubernetes' ? ['node', '/app/pod.mjs'] : [process.execPath, program]
  return [node, ...POD_FLAGS, path]
}

/** The address this process listens on, for those that reach it there. */
function ownUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
