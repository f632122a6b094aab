import { addressSchema, PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { requestInput } from '@c2d/http-kit'
import { Router } from 'express'
import { FIRST_NONCE, type ConsumerAuth } from '../domain/auth/consumer-auth.ts'
import { assertFields, required, textOf } from './field-rules.ts'
import { handle } from './handle.ts'
import { refuseHead } from './refuse-head.ts'

/** `GET /nonce`: the last nonce of an address. Asking stores nothing (provider-http-api §1.7; W27 is left behind). */
export function authRoutes(deps: { auth: ConsumerAuth }): Router {
  const router = Router()
  router.get(
    PROVIDER_ENDPOINTS.nonce[1],
    handle(async (request, response) => {
      const input = requestInput(request)
      assertFields(input, [{ field: 'userAddress', rules: [required] }])
      refuseHead(request)
      // Any text is accepted here, as in the reference; what is no address has spent nothing.
      const userAddress = addressSchema.safeParse(textOf(input, 'userAddress'))
      const nonce = userAddress.success ? await deps.auth.lastNonce(userAddress.data) : null
      response.json({ nonce: nonce ?? FIRST_NONCE })
    }),
  )
  return router
}
