import { jobIdSchema, PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { notFound } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import { Router, type Request, type Response } from 'express'
import type { JobStream, OperatorService } from '../clients/operator-service.ts'
import type { ConsumerAuth } from '../domain/auth/consumer-auth.ts'
import { STREAM_FIELDS } from './compute-fields.ts'
import { textOf } from './field-rules.ts'
import { handle } from './handle.ts'
import { assertOwner, parseJobRequest } from './job-owner.ts'
import { refuseHead } from './refuse-head.ts'
import { streamResult } from './stream-result.ts'

/** Nobody may take all the streams there are. */
const MAX_STREAMS_OF_ONE = 20

/**
 * `GET /compute/events` and `GET /compute/logs`: what happens to one job as it happens, and what its algorithm prints.
 * For its owner only, who signs as for a status; operator-service decides whether there is anything to read.
 * @param options.maxStreams how many may be open at once: each holds two connections for as long as a job runs
 */
export function jobStreamRoutes(
  options: { maxStreams: number },
  deps: { operator: OperatorService | null; auth: ConsumerAuth },
): Router {
  const router = Router()
  const openBy = new Map<string, number>()
  let open = 0
  router.get(
    PROVIDER_ENDPOINTS.computeEvents[1],
    handle((request, response) => follow('events', request, response)),
  )
  router.get(
    PROVIDER_ENDPOINTS.computeLogs[1],
    handle((request, response) => follow('logs', request, response)),
  )
  return router

  async function follow(what: JobStream, request: Request, response: Response): Promise<void> {
    const operator = deps.operator ?? notFound()
    const asked = parseJobRequest(request, STREAM_FIELDS)
    refuseHead(request)
    const jobId = jobIdSchema.safeParse(textOf(asked.input, 'jobId'))
    if (!jobId.success) throw new AppError('ValidationFailed', { fields: { jobId: ['The jobId format is invalid.'] } })
    await assertOwner(asked, deps.auth)
    const owner = asked.query.owner.toLowerCase()
    const ofOwner = openBy.get(owner) ?? 0
    if (open >= options.maxStreams || ofOwner >= MAX_STREAMS_OF_ONE) {
      throw new AppError('TooManyRequests', { detail: 'Too many jobs are being followed: try again later.' })
    }
    open += 1
    openBy.set(owner, ofOwner + 1)
    try {
      const until = textOf(asked.input, 'until')
      const query = { owner: asked.query.owner, jobId: jobId.data, until, headers: headersFor(what, request) }
      await streamResult(response, (signal) => operator.openStream(what, query, signal))
    } finally {
      open -= 1
      const left = (openBy.get(owner) ?? 1) - 1
      if (left > 0) openBy.set(owner, left)
      else openBy.delete(owner)
    }
  }
}

/** What of the caller's own headers the stream understands. */
function headersFor(what: JobStream, request: Request): Record<string, string> {
  const name = what === 'events' ? 'Last-Event-ID' : 'Range'
  const value = request.get(name)
  return value === undefined ? {} : { [name]: value }
}
