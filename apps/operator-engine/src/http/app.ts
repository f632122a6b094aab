import { createHttpApp, createMetrics, healthRoutes, notFound, renderErrors, type ReadinessCheck } from '@c2d/http-kit'
import type { UnprovenJobs } from '@c2d/operator-db'
import type { Logger, Secret } from '@c2d/runtime'
import type { Express } from 'express'
import type { Executor } from '../executor/executor.ts'
import { logsRoutes } from './logs.routes.ts'

/**
 * What the engine serves: its health, what it is, its metrics, and live logs to our own services.
 * @param options.secret what they show; absent serves no logs
 */
export function createEngineApp(
  options: { secret: Secret | undefined },
  deps: {
    checks: Record<string, ReadinessCheck>
    executor: Executor
    countUnproven: () => Promise<UnprovenJobs[]>
    log: Logger
  },
): Express {
  const { executor, countUnproven, log } = deps
  const metrics = createMetrics({ prefix: 'c2d_engine_' })
  if (executor.countPods) {
    const read = () =>
      (executor.countPods?.() ?? []).map(({ count, ...labels }) => ({ labels: { ...labels }, value: count }))
    metrics.gauge('pods', 'Pods of jobs on the cluster, as its watches show them.', read, ['environment', 'phase'])
  }
  const readUnproven = (valueOf: (counted: UnprovenJobs) => number) => async () =>
    (await countUnproven()).map((counted) => ({
      labels: { environment: counted.environment },
      value: valueOf(counted),
    }))
  metrics.gauge(
    'jobs_unproven',
    'Jobs that ended and have no proof yet; every engine of an environment shows the same.',
    readUnproven(({ jobs }) => jobs),
    ['environment'],
  )
  metrics.gauge(
    'jobs_unproven_oldest_seconds',
    'How long ago the first of them ended; 0 where there is none.',
    readUnproven(({ oldestSeconds }) => oldestSeconds),
    ['environment'],
  )
  const app = createHttpApp({ bodyLimitBytes: 1024 }, { log: log.child({ part: 'http' }), metrics })
  app.use(healthRoutes(deps.checks, { log }))
  app.get('/metrics', metrics.metricsRoute())
  app.get('/', (_request, response) => {
    response.json({ software: 'Operator engine', executor: executor.describe() })
  })
  if (options.secret) app.use(logsRoutes({ secret: options.secret }, { executor }))
  app.use(notFound)
  app.use(renderErrors('operator', { log }))
  return app
}
