import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { createHttpApp, healthRoutes, listen, notFound, renderErrors } from '@c2d/http-kit'
import { MIGRATIONS } from '@c2d/operator-db'
import { isSchemaCurrent, openDatabase } from '@c2d/postgres'
import { createLogger, createShutdown, runMain, sleep, type Logger, type Shutdown } from '@c2d/runtime'
import { readConfig, type Config } from './config.ts'
import { startEngine } from './engine.ts'
import { createExecutor } from './create-executor.ts'

const GRACE_MS = 20_000
const SCHEMA_WAIT_MS = 60_000

await runMain(async () => {
  const config = readConfig(process.env)
  const log = createLogger({ component: 'operator-engine', level: config.logLevel })
  const shutdown = createShutdown({ graceMs: GRACE_MS, signals: ['SIGTERM', 'SIGINT'] }, { log })

  const db = openDatabase({ url: config.databaseUrl.reveal(), applicationName: 'operator-engine', maxConnections: 20 })
  shutdown.onClose('database', () => db.destroy())
  await waitForSchema(db, log, shutdown)

  const executor = await createExecutor(config)
  shutdown.onClose('executor', () => executor.close())
  const pods = {
    configure: {
      command: [process.execPath, config.podConfigurationProgram],
      env: { OUTBOUND_ALLOW: config.outboundAllow },
    },
    publish: {
      command: [process.execPath, config.podPublishingProgram],
      env: { RESULTS_FOLDER: config.resultsFolder },
    },
  }
  const engine = startEngine(
    {
      instance: `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`,
      environments: config.environments,
      databaseUrl: config.databaseUrl.reveal(),
      podDatabaseUrl: config.podDatabaseUrl.reveal(),
      leaseSeconds: config.leaseSeconds,
      tickMs: config.tickMs,
    },
    { db, executor, pods, nowMs: Date.now, log },
  )
  shutdown.onClose('engine', () => engine.close())
  await serveHealth(config, { db, engine, executor, log, shutdown })
})

/** operator-service owns the migrations; the engine waits until the schema is the one it knows. */
async function waitForSchema(db: ReturnType<typeof openDatabase>, log: Logger, shutdown: Shutdown): Promise<void> {
  const giveUpAtMs = Date.now() + SCHEMA_WAIT_MS
  let said = false
  while (!(await isSchemaCurrent(db, MIGRATIONS).catch(() => false))) {
    if (shutdown.signal.aborted) return
    if (Date.now() > giveUpAtMs) {
      throw new Error('the database has not the schema of this build: start operator-service of the same version first')
    }
    if (!said) log.info({}, 'waiting for the schema')
    said = true
    await sleep(100, shutdown.signal)
  }
}

async function serveHealth(
  config: Config,
  deps: {
    db: ReturnType<typeof openDatabase>
    engine: ReturnType<typeof startEngine>
    executor: Awaited<ReturnType<typeof createExecutor>>
    log: Logger
    shutdown: Shutdown
  },
): Promise<void> {
  const { db, engine, executor, log, shutdown } = deps
  const app = createHttpApp({ bodyLimitBytes: 1024 }, { log: log.child({ part: 'health' }) })
  app.use(
    healthRoutes(
      {
        async database() {
          await db.raw('SELECT 1')
        },
        // eslint-disable-next-line @typescript-eslint/require-await -- a check is a promise by contract
        async loop() {
          if (Date.now() - engine.lastTickMs() > 4 * config.tickMs) throw new Error('the loop has not ticked lately')
        },
      },
      { log },
    ),
  )
  app.get('/', (_request, response) => {
    response.json({ software: 'Operator engine', executor: executor.describe() })
  })
  app.use(notFound)
  app.use(renderErrors('operator', { log }))
  const listening = await listen(app, config.health)
  shutdown.onClose('health', () => listening.close())
  log.info({ port: listening.port }, 'health served')
}
