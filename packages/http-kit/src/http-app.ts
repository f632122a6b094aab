import { randomUUID } from 'node:crypto'
import type { Logger } from '@c2d/runtime'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { jsonBody } from './json-body.ts'
import type { Metrics } from './metrics.ts'

/**
 * An express app as all our services start it: request ids, open CORS as the reference has it
 * (provider-http-api §1.1), bodies with a limit, JSON parsed losslessly, one log line a request.
 * Routes are added by the caller, who ends with `app.use(renderErrors)`.
 * @param options.bodyLimitBytes larger bodies are refused with 413
 * @param options.trustedProxies how many proxies of ours stand before us; default 0. Only then is the address that
 *   the outermost of them saw the client's: anybody may send `X-Forwarded-For`
 * @param deps.metrics counts every request, those that are refused before any route as well
 */
export function createHttpApp(
  options: { bodyLimitBytes: number; trustedProxies?: number | undefined },
  deps: { log: Logger; metrics?: Pick<Metrics, 'requestMetrics'> | undefined },
): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  app.set('trust proxy', options.trustedProxies ?? 0)
  app.use(requestContext(deps.log))
  if (deps.metrics) app.use(deps.metrics.requestMetrics)
  app.use(openCors)
  app.use(express.text({ type: ['json', '+json'], limit: options.bodyLimitBytes }))
  app.use(express.raw({ type: 'application/octet-stream', limit: options.bodyLimitBytes }))
  app.use(jsonBody)
  return app
}

function requestContext(log: Logger) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const requestId = request.get('x-request-id')?.slice(0, 64) ?? randomUUID()
    const startedAt = performance.now()
    response.setHeader('X-Request-Id', requestId.replace(/[^\w.-]/g, ''))
    response.on('finish', () => {
      // The path only: query strings carry signatures.
      log.info(
        {
          requestId,
          method: request.method,
          path: request.path,
          status: response.statusCode,
          ms: Math.round(performance.now() - startedAt),
        },
        'request answered',
      )
    })
    next()
  }
}

function openCors(request: Request, response: Response, next: NextFunction): void {
  const origin = request.get('origin')
  response.setHeader('Access-Control-Allow-Origin', origin ?? '*')
  if (origin) response.setHeader('Vary', 'Origin')
  if (request.method !== 'OPTIONS') {
    next()
    return
  }
  response.setHeader('Access-Control-Allow-Methods', 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT')
  const wanted = request.get('access-control-request-headers')
  if (wanted) response.setHeader('Access-Control-Allow-Headers', wanted)
  response.status(200).end()
}
