import { jobIdSchema } from '@c2d/contracts'
import { requestInput } from '@c2d/http-kit'
import { loadProof, loadProofSalts } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'
import { Router, type Request } from 'express'
import type { ProviderAuth } from '../domain/provider-auth.ts'
import { readSignedCall } from './call-fields.ts'
import { methodNotAllowed } from './method-not-allowed.ts'

/**
 * `/jobs/{id}/proof`: what was signed of a job that ended (docs/proof.md); `/jobs/{id}/salts`: the salts that are no part
 * of it. For any provider that may call: which of its callers may have what (the consumer, the owner of a dataset) is for
 * the provider to know, who can see the chain.
 */
export function proofRoutes(deps: { db: Database; auth: ProviderAuth }): Router {
  const router = Router()

  router.get('/jobs/:jobId/proof', async (request, response) => {
    const jobId = await readSignedJob(request, 'Error getting the proof: ')
    const proof = jobId === null ? null : await loadProof(deps.db, jobId)
    if (!proof) throw missing(request)
    response.json(proof)
  })
  router.all('/jobs/:jobId/proof', methodNotAllowed)

  router.get('/jobs/:jobId/salts', async (request, response) => {
    const jobId = await readSignedJob(request, 'Error getting the salts: ')
    const salts = jobId === null ? [] : await loadProofSalts(deps.db, jobId)
    if (salts.length === 0) throw missing(request)
    response.setHeader('Cache-Control', 'no-store')
    response.json(salts)
  })
  router.all('/jobs/:jobId/salts', methodNotAllowed)

  /** @returns null for what is no job id */
  async function readSignedJob(request: Request, prefix: string): Promise<string | null> {
    const { jobId = '' } = request.params as { jobId?: string }
    const call = { ...readSignedCall(requestInput(request), `GET:${request.path}`), jobId }
    const provider = deps.auth.recoverProvider(call)
    await deps.auth.spendNonce(deps.db, provider, call.nonce, prefix)
    return jobIdSchema.safeParse(jobId).data ?? null
  }

  return router
}

function missing(request: Request): AppError {
  const { jobId = '' } = request.params as { jobId?: string }
  return new AppError('NotFound', { detail: `There is nothing of the kind about job ${jobId}, or not yet.` })
}
