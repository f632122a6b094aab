import { AUTH_TOKEN_HEADER, decryptMessage, PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { requestInput } from '@c2d/http-kit'
import { Router } from 'express'
import type { ConsumerAuth } from '../domain/auth/consumer-auth.ts'
import { decryptDocument } from '../domain/assets/decrypt-document.ts'
import type { ProviderChains } from '../domain/chains/provider-chain.ts'
import {
  address,
  assertFields,
  numeric,
  required,
  requiredWith,
  requiredWithout,
  textOf,
  valueOf,
  type FieldRule,
} from './field-rules.ts'
import { handle } from './handle.ts'

const FIELDS: FieldRule[] = [
  { field: 'decrypterAddress', rules: [required, address] },
  { field: 'chainId', rules: [required] },
  { field: 'dataNftAddress', rules: [required, address] },
  {
    field: 'transactionId',
    rules: [requiredWithout('dataNftAddress', 'encryptedDocument', 'flags', 'documentHash')],
  },
  { field: 'encryptedDocument', rules: [requiredWithout('transactionId'), requiredWith('flags', 'documentHash')] },
  { field: 'flags', rules: [requiredWithout('transactionId'), requiredWith('encryptedDocument', 'documentHash')] },
  { field: 'documentHash', rules: [requiredWithout('transactionId'), requiredWith('encryptedDocument', 'flags')] },
  { field: 'nonce', rules: [required, numeric] },
]

/** `POST /decrypt`: a published document, for those who may read documents (provider-http-api §1.7). */
export function decryptRoutes(
  options: { authorizedDecrypters: readonly string[] },
  deps: { chains: ProviderChains; auth: ConsumerAuth },
): Router {
  const router = Router()
  router.post(
    PROVIDER_ENDPOINTS.decrypt[1],
    handle(async (request, response) => {
      const input = requestInput(request)
      assertFields(input, FIELDS)
      const text = (field: string): string => textOf(input, field) ?? ''
      const transactionId = textOf(input, 'transactionId')
      const claim = {
        transactionId,
        dataNftAddress: text('dataNftAddress'),
        decrypterAddress: text('decrypterAddress'),
        chainId: text('chainId'),
      }
      await deps.auth.assertSigned({
        address: claim.decrypterAddress,
        signature: textOf(input, 'signature'),
        prefix: decryptMessage({ ...claim, nonce: '' }),
        nonce: text('nonce'),
        authToken: request.get(AUTH_TOKEN_HEADER),
      })
      const document = await decryptDocument(
        {
          ...claim,
          direct: {
            encryptedDocument: text('encryptedDocument'),
            flags: valueOf(input, 'flags'),
            documentHash: text('documentHash'),
          },
        },
        options,
        deps,
      )
      response.status(201).type('text/plain').send(Buffer.from(document))
    }),
  )
  return router
}
