import { createHash, timingSafeEqual } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { jobIdSchema } from '@c2d/contracts'
import { AppError, type Secret } from '@c2d/runtime'
import { Router } from 'express'
import type { Executor } from '../executor/executor.ts'

/**
 * `GET /jobs/:id/logs`: the output of a job's algorithm from its first byte, live while it runs. For our own services,
 * which show `secret` as a bearer token and decide who may read what.
 * @throws AppError (rendered) `Unauthorized`; `NotFound` for a job whose algorithm never started here
 */
export function logsRoutes(options: { secret: Secret }, deps: { executor: Executor }): Router {
  const router = Router()
  router.get('/jobs/:id/logs', async (request, response) => {
    if (!isBearer(request.get('authorization'), options.secret)) {
      throw new AppError('Unauthorized', { detail: 'Logs are served to the services of this engine only.' })
    }
    const jobId = jobIdSchema.safeParse(request.params.id)
    const state = jobId.success ? await deps.executor.observe(jobId.data) : null
    if (!jobId.success || state === null || state.steps.algorithm.phase === 'absent') {
      throw new AppError('NotFound', { detail: 'No algorithm of this job has started here.' })
    }
    response.set({ 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' })
    response.flushHeaders() // a quiet algorithm is not a slow server
    try {
      await pipeline(deps.executor.logs(jobId.data, 'algorithm'), response)
    } catch (thrown) {
      // A reader that went away; what else breaks a log half-way can only be shown by ending the answer early.
      if (!response.destroyed) response.destroy()
      if ((thrown as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw thrown
    }
  })
  return router
}

/** Compares digests: neither the length nor the first differing letter of the secret can be timed. */
function isBearer(header: string | undefined, secret: Secret): boolean {
  const given = /^Bearer (.+)$/i.exec(header ?? '')?.[1]
  if (given === undefined) return false
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret.reveal()))
}
