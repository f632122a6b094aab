import { recoverSigner } from '@c2d/chain'
import { listen } from '@c2d/http-kit'
import { createJobNotifier, loadResultKey, setPodPassword } from '@c2d/operator-db'
import { askWhetherItAnswers, openDatabase, waitForDatabase } from '@c2d/postgres'
import { createLogger, createShutdown, runMain } from '@c2d/runtime'
import { createResultStores } from '@c2d/storage'
import { createApp } from './app.ts'
import { openAdoptedResults } from './clients/adopted-results.ts'
import { createEngineClient } from './clients/engine-client.ts'
import { readConfig } from './config.ts'
import { createEventFeed } from './domain/event-feed.ts'
import { migrateDatabase } from './migrate-database.ts'

const GRACE_MS = 20_000
const DATABASE_WAIT_MS = 60_000
const COALESCE_MS = 5
const MAX_CONNECTIONS = 20
const EVENT_POLL_MS = 250
const HEARTBEAT_MS = 15_000
const QUEUE_MAX_AGE_MS = 500
const ENGINE_TIMEOUT_MS = 5_000
const ORIGIN_TIMEOUT_MS = 10_000

await runMain(async () => {
  const config = readConfig(process.env)
  const log = createLogger({ component: 'operator-service', level: config.logLevel })
  const shutdown = createShutdown({ graceMs: GRACE_MS, signals: ['SIGTERM', 'SIGINT'] }, { log })

  const db = openDatabase({
    url: config.databaseUrl.reveal(),
    applicationName: 'operator-service',
    maxConnections: MAX_CONNECTIONS,
  })
  shutdown.onClose('database', () => db.destroy())
  const isThere = await waitForDatabase({
    ask: () => askWhetherItAnswers(db),
    patienceMs: DATABASE_WAIT_MS,
    signal: shutdown.signal,
    onWaiting: (missing) => log.warn({ missing }, 'waiting for the database'),
  })
  if (!isThere) return
  const migrate = (): Promise<void> => migrateDatabase(config.databaseUrl.reveal())
  await migrate()
  if (config.podDatabasePassword) await setPodPassword(db, config.podDatabasePassword.reveal())
  if (config.isMigrateOnly) {
    log.info({}, 'the database has the schema of this build')
    await shutdown.close()
    return
  }
  if (!config.isSignatureRequired) {
    log.warn({}, 'SIGNATURE_REQUIRED is off: whoever reaches this port may start, read and stop every job')
  }

  const notifier = createJobNotifier({ coalesceMs: COALESCE_MS }, { db, log })
  shutdown.onClose('notifier', () => notifier.close())
  const stores = createResultStores(config.results, {
    keys: { load: (jobId, object) => loadResultKey(db, { jobId, object }) },
  })
  shutdown.onClose('results', () => stores.close())
  const results = openAdoptedResults({ origins: config.resultOrigins, timeoutMs: ORIGIN_TIMEOUT_MS }, { stores })
  const feed = createEventFeed({ pollMs: EVENT_POLL_MS }, { db, log })
  const engine =
    config.engineSecret && createEngineClient({ secret: config.engineSecret, timeoutMs: ENGINE_TIMEOUT_MS })
  const app = createApp(
    { ...config, heartbeatMs: HEARTBEAT_MS, queueMaxAgeMs: QUEUE_MAX_AGE_MS },
    { db, migrate, notifier, results, feed, engine, recoverSigner, log },
  )
  const server = await listen(app, config)
  shutdown.onClose('server', () => server.close())
  shutdown.onClose('events', () => feed.close()) // first: open streams would keep the server from closing
  log.info({ host: config.host, port: server.port }, 'listening')
})
