import { requestInput } from '@c2d/http-kit'
import { listEnvironments, listUnfinished, listUnfinishedInBrief } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'
import { Router } from 'express'
import { buildRunningJob, buildStrangersJob } from '../domain/build-status-answer.ts'
import type { ProviderAuth } from '../domain/provider-auth.ts'
import { readSignedCall, readText, type Input } from './call-fields.ts'
import { methodNotAllowed } from './method-not-allowed.ts'

/** `/environments` and `/runningjobs`: what anybody may know (operator-service-api §5, §10). */
export function environmentRoutes(
  options: { environmentMaxAgeSeconds: number },
  deps: { db: Database; auth: ProviderAuth },
): Router {
  const router = Router()

  router.get('/environments', async (request, response) => {
    const chainId = readChainId(requestInput(request))
    response.json(await listEnvironments(deps.db, { chainId, maxAgeSeconds: options.environmentMaxAgeSeconds }))
  })
  router.all('/environments', methodNotAllowed)

  router.get('/runningjobs', async (request, response) => {
    const isSigned = await isSignedCall(requestInput(request))
    const jobs = isSigned
      ? (await listUnfinished(deps.db)).map(buildRunningJob)
      : (await listUnfinishedInBrief(deps.db)).map(buildStrangersJob)
    response.json(jobs)
  })
  router.all('/runningjobs', methodNotAllowed)

  /** A signature is no must here, but one that is given must be good. */
  async function isSignedCall(input: Input): Promise<boolean> {
    if (!('providerSignature' in input)) return false
    const call = readSignedCall(input, 'GET:/runningjobs')
    const provider = deps.auth.recoverProvider(call)
    await deps.auth.spendNonce(deps.db, provider, call.nonce, 'Error getting running jobs: ')
    return true
  }

  return router
}

/** `chainId` as provider-py sends it, or `chain_id` as ocean-node did. */
function readChainId(input: Input): number | undefined {
  const text = readText(input, 'chainId') ?? readText(input, 'chain_id')
  if (text === undefined || text === '') return undefined
  const chainId = Number(text)
  if (!Number.isSafeInteger(chainId)) {
    throw new AppError('InvalidRequest', { detail: '"chainId" must be an integer in the call to GET:/environments' })
  }
  return chainId
}
