import { OPERATOR_BASE_PATH } from '@c2d/contracts'
import { createHttpApp, healthRoutes, notFound, renderErrors } from '@c2d/http-kit'
import { MIGRATIONS, type JobNotifier } from '@c2d/operator-db'
import { isSchemaCurrent, type Database } from '@c2d/postgres'
import type { Logger, Secret } from '@c2d/runtime'
import type { ResultStore } from '@c2d/storage'
import type { Express } from 'express'
import { createProviderAuth } from './domain/provider-auth.ts'
import { adminRoutes } from './http/admin.routes.ts'
import { computeRoutes } from './http/compute.routes.ts'
import { environmentRoutes } from './http/environments.routes.ts'
import { resultRoutes } from './http/result.routes.ts'
import { rootRoutes, type ServiceInfo } from './http/root.routes.ts'
import { migrateDatabase } from './migrate-database.ts'

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
  info: ServiceInfo
}

export interface AppDeps {
  db: Database
  notifier: JobNotifier
  results: ResultStore
  /** Who signed a message, checksummed; null for nobody. */
  recoverSigner: (message: string, signature: string) => string | null
  log: Logger
}

/** The operator's HTTP API over job rows (operator-service-api §2). Listens nowhere by itself. */
export function createApp(options: AppOptions, deps: AppDeps): Express {
  const auth = createProviderAuth(options, deps)
  const app = createHttpApp(options, deps)
  app.use(rootRoutes(options.info))
  app.use(healthRoutes({ database: () => assertSchema(deps.db) }, deps))
  app.use(OPERATOR_BASE_PATH, computeRoutes(options, { ...deps, auth }))
  app.use(OPERATOR_BASE_PATH, resultRoutes({ ...deps, auth }))
  app.use(OPERATOR_BASE_PATH, environmentRoutes(options, { ...deps, auth }))
  app.use(OPERATOR_BASE_PATH, adminRoutes(options, { migrate: () => migrateDatabase(deps.db) }))
  app.use(notFound)
  app.use(renderErrors('operator', deps))
  return app
}

async function assertSchema(db: Database): Promise<void> {
  if (!(await isSchemaCurrent(db, MIGRATIONS))) throw new Error('the schema is not the one this build knows')
}
