import { jobIdSchema } from '@c2d/contracts'
import { requestInput } from '@c2d/http-kit'
import { loadProof } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'
import { Router } from 'express'
import type { ProviderAuth } from '../domain/provider-auth.ts'
import { readSignedCall } from './call-fields.ts'
import { methodNotAllowed } from './method-not-allowed.ts'

/**
 * `/jobs/{id}/proof`: what was signed of a job that ended (docs/proof.md). For any provider that may call: which of its
 * callers may have it (the consumer, the owner of a dataset) is for the provider to know, who can see the chain.
 */
export function proofRoutes(deps: { db: Database; auth: ProviderAuth }): Router {
  const router = Router()
  router.get('/jobs/:jobId/proof', async (request, response) => {
    const { jobId } = request.params
    const call = { ...readSignedCall(requestInput(request), `GET:${request.path}`), jobId }
    const provider = deps.auth.recoverProvider(call)
    await deps.auth.spendNonce(deps.db, provider, call.nonce, 'Error getting the proof: ')
    const proof = jobIdSchema.safeParse(jobId).success ? await loadProof(deps.db, jobId) : null
    if (!proof) throw new AppError('NotFound', { detail: `There is no proof of job ${jobId}, or not yet.` })
    response.json(proof)
  })
  router.all('/jobs/:jobId/proof', methodNotAllowed)
  return router
}
