import { PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { requestInput } from '@c2d/http-kit'
import { Router } from 'express'
import type { Rbac } from '../clients/rbac.ts'
import type { ConsumerAuth } from '../domain/auth/consumer-auth.ts'
import { initializeAccess, type AccessDeps } from '../domain/access/initialize-access.ts'
import { address, assertFields, integer, required, textOf, valueOf, type FieldRule } from './field-rules.ts'
import { handle } from './handle.ts'

const FIELDS: FieldRule[] = [
  { field: 'documentId', rules: [required] },
  { field: 'serviceId', rules: [required] },
  { field: 'consumerAddress', rules: [required, address] },
  { field: 'fileIndex', rules: [integer] },
]

/** `GET /initialize`: what to order and pay for one access (provider-http-api §1.7). */
export function initializeRoutes(deps: AccessDeps & { auth: ConsumerAuth; rbac: Rbac | null }): Router {
  const router = Router()
  router.get(
    PROVIDER_ENDPOINTS.initialize[1],
    handle(async (request, response) => {
      const input = requestInput(request)
      assertFields(input, FIELDS)
      const consumerAddress = textOf(input, 'consumerAddress') ?? ''
      const documentId = textOf(input, 'documentId') ?? ''
      const serviceId = textOf(input, 'serviceId') ?? ''
      await deps.rbac?.assertAllowed({
        eventType: 'initialize',
        consumerAddress,
        subject: { did: documentId, serviceId },
      })
      const fileIndex = textOf(input, 'fileIndex')
      const quote = await initializeAccess(
        {
          documentId,
          serviceId,
          consumerAddress,
          fileIndex: fileIndex === undefined ? undefined : Number(fileIndex),
          transferTxId: textOf(input, 'transferTxId'),
          userdata: valueOf(input, 'userdata'),
          asSent: input,
        },
        deps,
      )
      response.json('validOrder' in quote ? quote : { ...quote, nonce: await deps.auth.lastNonce(consumerAddress) })
    }),
  )
  return router
}
