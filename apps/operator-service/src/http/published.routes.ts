import { RESULT_TOKEN_HEADER, jobIdSchema } from '@c2d/contracts'
import { requestInput } from '@c2d/http-kit'
import { loadJob, opensResults } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { AppError, type Logger } from '@c2d/runtime'
import type { ResultReader } from '@c2d/storage'
import { Router } from 'express'
import { findResult } from '../domain/find-result.ts'
import type { ProviderAuth } from '../domain/provider-auth.ts'
import { readSignedCall, readText } from './call-fields.ts'
import { methodNotAllowed } from './method-not-allowed.ts'
import { sendStored } from './send-stored.ts'

/**
 * `/jobs/{id}/published`: a result that became a file of an asset. The provider signs as for any job, without an owner;
 * the token in the header is what the asset's own, encrypted file object says, and opens this job's results alone.
 */
export function publishedRoutes(deps: {
  db: Database
  auth: ProviderAuth
  results: ResultReader
  log: Logger
}): Router {
  const router = Router()
  router.get('/jobs/:jobId/published', async (request, response) => {
    const { jobId } = request.params
    const input = requestInput(request)
    const call = { ...readSignedCall(input, `GET:${request.path}`), jobId }
    const provider = deps.auth.recoverProvider(call)
    await deps.auth.spendNonce(deps.db, provider, call.nonce, 'Error getting the file: ')
    const token = request.get(RESULT_TOKEN_HEADER) ?? ''
    const isOpen = jobIdSchema.safeParse(jobId).success && (await opensResults(deps.db, { jobId, token }))
    const job = isOpen ? await loadJob(deps.db, jobId) : null
    if (!job) throw new AppError('NotFound', { detail: 'There is no such published result.' })
    const index = readText(input, 'index') ?? ''
    await sendStored(request, response, await findResult(deps.db, { owner: job.owner, jobId, index }), deps)
  })
  router.all('/jobs/:jobId/published', methodNotAllowed)
  return router
}
