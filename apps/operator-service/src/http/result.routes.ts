import { requestInput } from '@c2d/http-kit'
import type { Database } from '@c2d/postgres'
import type { Logger } from '@c2d/runtime'
import type { ResultReader } from '@c2d/storage'
import { Router } from 'express'
import { findResult } from '../domain/find-result.ts'
import type { ProviderAuth } from '../domain/provider-auth.ts'
import { assertFields, readSignedCall, readText } from './call-fields.ts'
import { methodNotAllowed } from './method-not-allowed.ts'
import { sendStored } from './send-stored.ts'

/** `/getResult`: one result file, whole or a range of it (operator-service-api §9). */
export function resultRoutes(deps: { db: Database; auth: ProviderAuth; results: ResultReader; log: Logger }): Router {
  const router = Router()

  router.get('/getResult', async (request, response) => {
    const input = requestInput(request)
    assertFields(input, ['owner', 'providerSignature', 'nonce', 'index', 'jobId'], 'GET:/getResult')
    const call = readSignedCall(input, 'GET:/getResult')
    const provider = deps.auth.recoverProvider(call)
    await deps.auth.spendNonce(deps.db, provider, call.nonce, 'Error getResult: ')
    const { owner, jobId = '' } = call
    const result = await findResult(deps.db, { owner, jobId, index: readText(input, 'index') ?? '' })
    await sendStored(request, response, result, deps)
  })

  router.all('/getResult', methodNotAllowed)
  return router
}
