import { createHash, timingSafeEqual } from 'node:crypto'
import { STEPS, type ResultType, type Step } from '@c2d/contracts'
import { limitRequests, requestInput } from '@c2d/http-kit'
import { listUnfinished, loadJob, type JobRow } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { AppError, type Logger, type Secret } from '@c2d/runtime'
import type { ResultReader } from '@c2d/storage'
import { Router, type NextFunction, type Request, type Response } from 'express'
import { findStoredLog } from '../domain/find-result.ts'
import { listStatus } from '../domain/list-status.ts'
import type { QueueBoard } from '../domain/queue-board.ts'
import { readText } from './call-fields.ts'
import { methodNotAllowed } from './method-not-allowed.ts'
import { sendStored } from './send-stored.ts'

const LOG_OF_STEP: Record<Step, ResultType> = {
  configure: 'configrationLog',
  algorithm: 'algorithmLog',
  filter: 'filteringLog',
  publish: 'publishLog',
}

/** The secret is guessed slowly, or not at all. */
const GUESSES_PER_MINUTE = 60

/**
 * What is behind the `Admin` header: `POST /pgsqlinit`, as deployers of the reference call it until it succeeds
 * (operator-service-api §6.5, §13), and the reference's `GET /info`, `/list` and `/logs`, which it never served (§2).
 * Repeating `pgsqlinit` is safe, and a failure is no 200.
 * @param deps.migrate brings the database to this build's schema
 */
export function adminRoutes(
  options: { allowedAdmins: readonly Secret[] },
  deps: { db: Database; queue: QueueBoard; results: ResultReader; migrate: () => Promise<void>; log: Logger },
): Router {
  const router = Router()
  const guard = [limitRequests({ windowMs: 60_000, limit: GUESSES_PER_MINUTE }), requireAdmin]

  router.post('/pgsqlinit', guard, async (_request: Request, response: Response) => {
    await deps.migrate()
    response.status(200).type('text').send('')
  })
  router.all('/pgsqlinit', methodNotAllowed)

  router.get('/list', guard, async (_request: Request, response: Response) => {
    response.json((await listUnfinished(deps.db)).map(describe))
  })
  router.all('/list', methodNotAllowed)

  router.get('/info', guard, async (request: Request, response: Response) => {
    const job = await wantedJob(request)
    const [answer] = await listStatus({ jobId: job.jobId }, deps)
    response.json({ ...answer, ...describe(job) })
  })
  router.all('/info', methodNotAllowed)

  router.get('/logs', guard, async (request: Request, response: Response) => {
    const job = await wantedJob(request)
    const component = readText(requestInput(request), 'component') ?? 'algorithm'
    const step = STEPS.find((name) => name === component)
    if (!step) throw new AppError('InvalidRequest', { detail: `"component" must be one of ${STEPS.join(', ')}` })
    const log = findStoredLog(job, LOG_OF_STEP[step])
    if (!log) throw new AppError('NotFound', { detail: `Job ${job.jobId} has no stored log of its ${step} step` })
    await sendStored(request, response, log, deps)
  })
  router.all('/logs', methodNotAllowed)

  function requireAdmin(request: Request, response: Response, next: NextFunction): void {
    const given = request.get('admin') ?? ''
    if (given === '') refuse(response, 400, 'Admin header is empty.')
    else if (options.allowedAdmins.some((secret) => isSameSecret(secret.reveal(), given))) next()
    else refuse(response, 401, 'Access admin route failed due to invalid admin address.')
  }

  async function wantedJob(request: Request): Promise<JobRow> {
    const jobId = readText(requestInput(request), 'jobId')
    if (jobId === undefined) throw new AppError('InvalidRequest', { detail: '"jobId" is required' })
    const job = await loadJob(deps.db, jobId)
    if (!job) throw new AppError('NotFound', { detail: `There is no job ${jobId}` })
    return job
  }

  return router
}

/** What an operator needs beside the status: where the job is, and who has it. No workflow: it holds addresses. */
function describe(job: JobRow): Record<string, unknown> {
  const { jobId, owner, agreementId, environment, status, statusText, dateCreated, dateFinished } = job
  const { stopRequest, claimedBy, epoch, validUntil, reason, exitCode } = job
  return {
    ...{ jobId, owner, agreementId, environment, status, statusText, dateCreated, dateFinished },
    ...{ stopreq: stopRequest, claimedBy, epoch, validUntil, reason, exitCode },
  }
}

function refuse(response: Response, status: number, text: string): void {
  response.status(status).type('text').send(`${text}\nstatus code: ${status}`)
}

/** Compares hashes, so that neither length nor content shows in the time it takes; the casing counts. */
function isSameSecret(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(a), hash(b))
}
