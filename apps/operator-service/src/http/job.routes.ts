import { pipeline } from 'node:stream/promises'
import { openEventStream, requestInput, type EventStream } from '@c2d/http-kit'
import { isSettled, listEventsSince, loadEngineOfJob, type JobRow, type NumberedEvent } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { AppError, toError, type Logger } from '@c2d/runtime'
import type { ResultReader } from '@c2d/storage'
import { Router, type Request, type Response } from 'express'
import type { EngineClient } from '../clients/engine-client.ts'
import type { EventFeed } from '../domain/event-feed.ts'
import { findStoredLog } from '../domain/find-result.ts'
import { listStatus } from '../domain/list-status.ts'
import { loadOwnedJob } from '../domain/load-owned-job.ts'
import type { ProviderAuth } from '../domain/provider-auth.ts'
import type { QueueBoard } from '../domain/queue-board.ts'
import { readSignedCall, type Input } from './call-fields.ts'
import { methodNotAllowed } from './method-not-allowed.ts'
import { sendStored } from './send-stored.ts'

const RECHECK_MS = 30_000
/** For how long a stream waits for what comes after the end of its job: a signer or a chain may be away for days. */
const SEQUEL_WAIT_MS = 600_000

/** What `/jobs/{id}` stands on. */
export interface JobRoutesDeps {
  db: Database
  auth: ProviderAuth
  feed: EventFeed
  queue: QueueBoard
  results: ResultReader
  /** Absent where no secret is shared with engines: then there are no live logs. */
  engine?: EngineClient | undefined
  log: Logger
}

/**
 * `/jobs/{id}/events` and `/jobs/{id}/logs`: a job while it runs. Signed like a status request that names the job, by
 * the same parameters or by the headers `X-Owner`, `X-Nonce` and `X-Provider-Signature`; only for its owner.
 * @param options.heartbeatMs how often a silent stream says that it lives
 * @param options.maxStreams streams that may be open at once
 */
export function jobRoutes(options: { heartbeatMs: number; maxStreams: number }, deps: JobRoutesDeps): Router {
  const router = Router()
  let streams = 0

  router.get('/jobs/:jobId/events', async (request, response) => {
    if (streams >= options.maxStreams) {
      throw new AppError('TooManyRequests', { detail: 'Too many event streams are open: try again later.' })
    }
    streams += 1
    try {
      const job = await loadSignedJob(request, 'Error getting the events: ')
      const until = readParameters(request)['until'] === 'settled' ? 'settled' : 'finished'
      const stream = openEventStream(request, response, options)
      await followJob(job, until, stream, deps)
    } finally {
      streams -= 1
    }
  })
  router.all('/jobs/:jobId/events', methodNotAllowed)

  router.get('/jobs/:jobId/logs', async (request, response) => {
    const job = await loadSignedJob(request, 'Error getting the log: ')
    if (job.dateFinished === null && (await sendLiveLog(job, response, deps))) return
    const now = await loadOwnedJob(deps.db, job) // it may have ended just now
    const log = findStoredLog(now)
    if (log) {
      await sendStored(request, response, log, deps)
      return
    }
    throw new AppError('NotFound', {
      detail: now.dateFinished === null ? `Job ${job.jobId} has no live log` : `Job ${job.jobId} has no stored log`,
    })
  })
  router.all('/jobs/:jobId/logs', methodNotAllowed)

  async function loadSignedJob(request: Request, prefix: string): Promise<JobRow> {
    const { jobId = '' } = request.params as { jobId?: string }
    const call = { ...readSignedCall(readParameters(request), `GET:${request.path}`), jobId }
    const provider = deps.auth.recoverProvider(call)
    await deps.auth.spendNonce(deps.db, provider, call.nonce, prefix)
    return loadOwnedJob(deps.db, call)
  }

  return router
}

function readParameters(request: Request): Input {
  const headers = { owner: 'x-owner', nonce: 'x-nonce', providerSignature: 'x-provider-signature' }
  const told = Object.entries(headers).flatMap(([name, header]) => {
    const value = request.get(header)
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(told), ...requestInput(request) }
}

/**
 * What happened, then what happens, until the job has ended; then `end` with its status answer.
 * @param until `settled` waits for what comes after the end too: proof, anchors, asset
 */
async function followJob(
  job: JobRow,
  until: 'finished' | 'settled',
  stream: EventStream,
  deps: JobRoutesDeps,
): Promise<void> {
  const { jobId } = job
  let afterId = /^\d{1,18}$/.test(stream.lastEventId ?? '') ? (stream.lastEventId ?? '0') : '0'
  let isOver = job.dateFinished !== null
  let giveUpAtMs = Infinity
  const isDone = async (): Promise<boolean> => {
    if (!isOver || until === 'finished') return isOver
    giveUpAtMs = Math.min(giveUpAtMs, Date.now() + SEQUEL_WAIT_MS)
    return Date.now() >= giveUpAtMs || (await isSettled(deps.db, jobId))
  }
  try {
    let news = await readNow(jobId, afterId, deps)
    while (!stream.signal.aborted && !deps.feed.isClosed()) {
      for (const { id, ...event } of news) {
        await stream.send({ id, data: event })
        afterId = id
        if (event.what === 'finished') isOver = true
      }
      const wasDone = await isDone()
      if (wasDone && news.length === 0) {
        const [answer] = await listStatus({ jobId }, deps)
        await stream.send({ event: 'end', data: answer ?? null })
        return
      }
      news = await (wasDone ? readNow(jobId, afterId, deps) : deps.feed.next(jobId, afterId, untilRecheck(stream)))
      // An engine of the reference ends a job without an event.
      if (news.length === 0 && !isOver) isOver = (await loadOwnedJob(deps.db, job)).dateFinished !== null
    }
  } catch (thrown) {
    // The answer has begun: all that can be done is to end it, and the client comes back with its last event.
    deps.log.warn({ jobId, err: toError(thrown) }, 'an event stream ended early')
  } finally {
    stream.close()
  }
}

function untilRecheck(stream: EventStream): AbortSignal {
  return AbortSignal.any([stream.signal, AbortSignal.timeout(RECHECK_MS)])
}

async function readNow(jobId: string, afterId: string, deps: JobRoutesDeps): Promise<NumberedEvent[]> {
  return (await listEventsSince(deps.db, [{ jobId, afterId }])).get(jobId) ?? []
}

/** @returns false where there is no live log */
async function sendLiveLog(job: JobRow, response: Response, deps: JobRoutesDeps): Promise<boolean> {
  const holder = deps.engine ? await loadEngineOfJob(deps.db, job.jobId) : null
  if (!deps.engine || !holder) return false
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const log = await deps.engine.openLog(holder.url, job.jobId, gone.signal)
  if (!log) return false
  response.status(200)
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('X-Accel-Buffering', 'no')
  response.flushHeaders()
  try {
    await pipeline(log, response)
  } catch (thrown) {
    // Either side went away: half a log is on its way, and the cut connection says so.
    deps.log.info({ jobId: job.jobId, err: toError(thrown) }, 'a live log was not read to its end')
  }
  return true
}
