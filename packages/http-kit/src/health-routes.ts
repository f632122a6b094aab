import { toError, type Logger } from '@c2d/runtime'
import { Router } from 'express'

/** A named question whose failure makes a process unready. */
export type ReadinessCheck = () => Promise<void>

/**
 * `GET /healthz`: the process is alive. `GET /readyz`: everything it needs answered just now; 503 names what did not.
 * @param checks one a dependency; each throws when it is not usable
 */
export function healthRoutes(checks: Record<string, ReadinessCheck>, deps: { log: Logger }): Router {
  const router = Router()
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'alive' })
  })
  // Anybody may ask, and as often: whoever asks while the question is out shares its answer.
  let asking: Promise<Readonly<Record<string, string>>> | null = null
  router.get('/readyz', async (_request, response) => {
    asking ??= ask().finally(() => (asking = null))
    const results = await asking
    const ready = Object.values(results).every((result) => result === 'ok')
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', checks: results })
  })
  return router

  async function ask(): Promise<Record<string, string>> {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => {
        try {
          await check()
          return [name, 'ok'] as const
        } catch (thrown) {
          deps.log.warn({ check: name, err: toError(thrown) }, 'not ready')
          return [name, 'failed'] as const
        }
      }),
    )
    return Object.fromEntries(results)
  }
}
