import { OPERATOR_BASE_PATH } from '@c2d/contracts'
import { createHttpApp, createMetrics, healthRoutes, limitRequests, notFound, renderErrors } from '@c2d/http-kit'
import { MIGRATIONS, countUnfinished, type JobNotifier } from '@c2d/operator-db'
import { isSchemaCurrent, type Database } from '@c2d/postgres'
import type { Logger, Secret } from '@c2d/runtime'
import type { ResultReader } from '@c2d/storage'
import type { Express } from 'express'
import type { EngineClient } from './clients/engine-client.ts'
import type { EventFeed } from './domain/event-feed.ts'
import { createProviderAuth } from './domain/provider-auth.ts'
import { createQueueBoard } from './domain/queue-board.ts'
import { adminRoutes } from './http/admin.routes.ts'
import { computeRoutes } from './http/compute.routes.ts'
import { translateDatabaseErrors } from './http/database-errors.ts'
import { docsRoutes } from './http/docs.routes.ts'
import { environmentRoutes } from './http/environments.routes.ts'
import { jobRoutes } from './http/job.routes.ts'
import { proofRoutes } from './http/proof.routes.ts'
import { publishedRoutes } from './http/published.routes.ts'
import { resultRoutes } from './http/result.routes.ts'
import { rootRoutes, type ServiceInfo } from './http/root.routes.ts'

export interface AppOptions {
  /** Whether only providers of the list may call (operator-service-api §6.4). */
  isSignatureRequired: boolean
  /** Addresses in any casing. */
  allowedProviders: readonly string[]
  /** What the `Admin` header may say. */
  allowedAdmins: readonly Secret[]
  /** Seconds after which an environment that says nothing is not listed and takes no jobs. */
  environmentMaxAgeSeconds: number
  bodyLimitBytes: number
  /** Requests that one address may make in a minute; 0 is no limit. */
  requestsPerMinute: number
  /** How many proxies of ours stand before us. */
  trustedProxies: number
  /** How often a silent event stream says that it lives. */
  heartbeatMs: number
  /** How long a ranking of a queue is shown. */
  queueMaxAgeMs: number
  info: ServiceInfo
}

export interface AppDeps {
  db: Database
  /** Brings that database to this build's schema. */
  migrate: () => Promise<void>
  notifier: JobNotifier
  results: ResultReader
  feed: EventFeed
  /** Absent where no secret is shared with engines. */
  engine?: EngineClient | undefined
  /** Who signed a message, checksummed; null for nobody. */
  recoverSigner: (message: string, signature: string) => string | null
  log: Logger
}

const MAX_EVENT_STREAMS = 500

/** The operator's HTTP API over job rows (operator-service-api §2). Listens nowhere by itself. */
export function createApp(options: AppOptions, deps: AppDeps): Express {
  const auth = createProviderAuth(options, deps)
  const queue = createQueueBoard({ maxAgeMs: options.queueMaxAgeMs }, deps)
  const metrics = createMetrics({ prefix: 'c2d_operator_service_', mountPaths: [OPERATOR_BASE_PATH] })
  metrics.gauge('jobs_queued', 'Jobs that wait to be claimed.', async () => (await countUnfinished(deps.db)).queued)
  metrics.gauge('jobs_at_work', 'Jobs that engines hold.', async () => (await countUnfinished(deps.db)).atWork)

  const app = createHttpApp(options, { ...deps, metrics })
  app.use(rootRoutes(options.info))
  app.use(healthRoutes({ database: () => assertSchema(deps.db) }, deps))
  app.get('/metrics', metrics.metricsRoute())
  app.use(docsRoutes())
  if (options.requestsPerMinute > 0) {
    app.use(OPERATOR_BASE_PATH, limitRequests({ windowMs: 60_000, limit: options.requestsPerMinute }))
  }
  app.use(OPERATOR_BASE_PATH, computeRoutes(options, { ...deps, auth, queue }))
  app.use(OPERATOR_BASE_PATH, resultRoutes({ ...deps, auth }))
  app.use(OPERATOR_BASE_PATH, jobRoutes({ ...options, maxStreams: MAX_EVENT_STREAMS }, { ...deps, auth, queue }))
  app.use(OPERATOR_BASE_PATH, proofRoutes({ ...deps, auth }))
  app.use(OPERATOR_BASE_PATH, publishedRoutes({ ...deps, auth }))
  app.use(OPERATOR_BASE_PATH, environmentRoutes(options, { ...deps, auth }))
  app.use(OPERATOR_BASE_PATH, adminRoutes(options, { ...deps, queue }))
  app.use(notFound)
  app.use(translateDatabaseErrors)
  app.use(renderErrors('operator', deps))
  return app
}

async function assertSchema(db: Database): Promise<void> {
  if (!(await isSchemaCurrent(db, MIGRATIONS))) throw new Error('the schema is not the one this build knows')
}
