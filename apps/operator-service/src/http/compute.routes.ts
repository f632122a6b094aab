import { requestInput } from '@c2d/http-kit'
import { requestStop, type JobNotifier } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { Router } from 'express'
import { listStatus } from '../domain/list-status.ts'
import type { ProviderAuth } from '../domain/provider-auth.ts'
import type { QueueBoard } from '../domain/queue-board.ts'
import { startJob } from '../domain/start-job.ts'
import { assertFields, readSelector, readSignedCall } from './call-fields.ts'
import { methodNotAllowed } from './method-not-allowed.ts'

/** `/compute`: start, status, stop, and the delete that never deleted (operator-service-api §3, §4). */
export function computeRoutes(
  options: { environmentMaxAgeSeconds: number },
  deps: { db: Database; auth: ProviderAuth; notifier: JobNotifier; queue: QueueBoard },
): Router {
  const router = Router()

  router.post('/compute', async (request, response) => {
    const jobId = await startJob(requestInput(request), { ...options, ...deps })
    response.json(await listStatus({ jobId }, deps))
  })

  router.get('/compute', async (request, response) => {
    const input = requestInput(request)
    const filter = readSelector(input)
    const call = readSignedCall(input, 'GET:/compute')
    const provider = deps.auth.recoverProvider(call)
    await deps.auth.spendNonce(deps.db, provider, call.nonce, 'Error getting the status: ')
    response.json(await listStatus(filter, deps))
  })

  router.put('/compute', async (request, response) => {
    const input = requestInput(request)
    assertFields(input, ['owner', 'providerSignature', 'nonce'], 'PUT:/compute')
    const filter = readSelector(input)
    const call = readSignedCall(input, 'PUT:/compute')
    const provider = deps.auth.recoverProvider(call)
    await deps.auth.spendNonce(deps.db, provider, call.nonce, 'Exception when stopping compute job: ')
    if ((await requestStop(deps.db, filter)) > 0) deps.notifier.notify()
    response.json(await listStatus(filter, deps))
  })

  router.delete('/compute', (_request, response) => {
    response.json('')
  })

  router.all('/compute', methodNotAllowed)
  return router
}
