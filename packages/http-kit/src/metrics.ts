import { AppError } from '@c2d/runtime'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Values of a metric's labels. They must come from short lists: never an address, a job or a path as it was sent. */
export type MetricLabels = Readonly<Record<string, string | number>>

/** The metrics of one process, under names that begin with its prefix. */
export interface Metrics {
  /** Counts and times every request by method, route pattern and status; belongs before the routes. */
  readonly requestMetrics: RequestHandler
  /** A number that only grows. */
  counter(name: `${string}_total`, help: string, labels?: readonly string[]): MetricCounter
  /**
   * How values are spread.
   * @param buckets upper bounds in the unit of the name; a sensible list for seconds when left out
   */
  histogram(
    name: `${string}_seconds` | `${string}_bytes`,
    help: string,
    labels?: readonly string[],
    buckets?: readonly number[],
  ): MetricHistogram
  /** Numbers that are read when they are asked for. What `read` throws leaves them out of that answer. */
  gauge(name: string, help: string, read: () => GaugeReading | Promise<GaugeReading>, labels?: readonly string[]): void
  /** Handler of `GET /metrics`: the text format of Prometheus. Give it a port that only the operator reaches. */
  metricsRoute(): RequestHandler
}

/** What a gauge shows: one number, or one for each set of labels. */
export type GaugeReading = number | readonly { value: number; labels: MetricLabels }[]

export interface MetricCounter {
  increment(labels?: MetricLabels, by?: number): void
}

export interface MetricHistogram {
  observe(value: number, labels?: MetricLabels): void
}

const DEFAULT_BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/**
 * A registry of its own, with the metrics of the process itself and of its requests.
 * @param options.prefix begins every name, for example `c2d_provider_`
 * @param options.mountPaths the literal paths at which routers are mounted; another mount shows as `/*`, because
 *   express tells only the path as it was sent, and that may hold anything
 */
export function createMetrics(options: { prefix: string; mountPaths?: readonly string[] }): Metrics {
  const { prefix, mountPaths = [] } = options
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix })

  const counter: Metrics['counter'] = (name, help, labels = []) => {
    const metric = new Counter({ name: prefix + name, help, labelNames: labels, registers: [registry] })
    return { increment: (values = {}, by = 1) => metric.inc({ ...values }, by) }
  }
  const histogram: Metrics['histogram'] = (name, help, labels = [], buckets = DEFAULT_BUCKETS_SECONDS) => {
    const registers = [registry]
    const metric = new Histogram({ name: prefix + name, help, labelNames: labels, buckets: [...buckets], registers })
    return { observe: (value, values = {}) => metric.observe({ ...values }, value) }
  }

  const requestLabels = ['method', 'route', 'status']
  const requests = counter('http_requests_total', 'Requests, by what they were answered.', requestLabels)
  const durations = histogram('http_request_duration_seconds', 'From the first byte in to the last out.', requestLabels)

  return {
    counter,
    histogram,
    gauge: (name, help, read, labels = []) => {
      new Gauge({
        name: prefix + name,
        help,
        labelNames: labels,
        registers: [registry],
        async collect() {
          this.reset()
          try {
            const reading = await read()
            if (typeof reading === 'number') this.set(reading)
            else for (const { labels: values, value } of reading) this.set({ ...values }, value)
          } catch {
            if (labels.length === 0) this.remove() // a value that cannot be had now must not hide all others
          }
        },
      })
    },
    requestMetrics: (request: Request, response: Response, next: NextFunction) => {
      const startedAt = performance.now()
      // 'close' comes for answers that were cut off as well.
      response.once('close', () => {
        const status = response.writableFinished ? String(response.statusCode) : 'aborted'
        const labels = { method: request.method, route: routePattern(request, mountPaths), status }
        requests.increment(labels)
        durations.observe((performance.now() - startedAt) / 1000, labels)
      })
      next()
    },
    metricsRoute: () => async (_request, response) => {
      try {
        response.setHeader('Cache-Control', 'no-store')
        response.type(registry.contentType).send(await registry.metrics())
      } catch (cause) {
        throw new AppError('Internal', { cause })
      }
    },
  }
}

/** The pattern that matched, never the path that was sent: that may name jobs, and is anything a caller likes. */
function routePattern(request: Request, mountPaths: readonly string[]): string {
  const route: unknown = request.route
  if (typeof route !== 'object' || route === null) return 'unmatched'
  const mount = request.baseUrl === '' || mountPaths.includes(request.baseUrl) ? request.baseUrl : '/*'
  return mount + [Reflect.get(route, 'path') as unknown].flat().map(String).join('|')
}
