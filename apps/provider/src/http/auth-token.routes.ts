import { PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { requestInput } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import { Router } from 'express'
import type { AuthTokens } from '../domain/auth/auth-tokens.ts'
import type { ConsumerAuth } from '../domain/auth/consumer-auth.ts'
import {
  address,
  assertFields,
  future,
  integer,
  numeric,
  required,
  requiredSignature,
  textOf,
  type FieldRule,
} from './field-rules.ts'
import { handle } from './handle.ts'

/** How tokens are given out. */
export interface AuthTokenOptions {
  /** Seconds a token may live, at most. */
  maxAuthTokenSeconds: number
  /** Whether a signature that does not cover the expiry makes a token too, as in the reference. */
  allowsLegacyAuthTokens: boolean
}

const SIGNED: FieldRule[] = [
  { field: 'nonce', bail: true, rules: [required, numeric] },
  { field: 'signature', rules: requiredSignature },
]
const DELETE_FIELDS: FieldRule[] = [
  { field: 'address', bail: true, rules: [required, address] },
  { field: 'token', bail: true, rules: [required] },
  ...SIGNED,
]

/**
 * `GET /createAuthToken` and `DELETE /deleteAuthToken` (provider-http-api §1.7, §3). Signed are address, expiration and
 * nonce: the reference signs no expiration, so that one signature seen makes tokens of any lifetime (W4). Both spend
 * their nonce. A token makes no token, and deletes none.
 */
export function authTokenRoutes(
  options: AuthTokenOptions,
  deps: { auth: ConsumerAuth; tokens: AuthTokens; now: () => number },
): Router {
  const router = Router()
  const createFields: FieldRule[] = [
    { field: 'address', bail: true, rules: [required, address] },
    { field: 'expiration', bail: true, rules: [required, integer, future(deps.now)] },
    ...SIGNED,
  ]

  router.get(
    PROVIDER_ENDPOINTS.create_auth_token[1],
    handle(async (request, response) => {
      const input = requestInput(request)
      assertFields(input, createFields)
      const text = (field: string): string => textOf(input, field) ?? ''
      assertLifetime(Number(text('expiration')))
      await deps.auth.assertSigned({
        address: text('address'),
        signature: text('signature'),
        prefix: text('address') + text('expiration'),
        orPrefix: options.allowsLegacyAuthTokens ? text('address') : undefined,
        nonce: text('nonce'),
      })
      const token = await deps.tokens.issue(text('address'), Number(text('expiration')))
      response.setHeader('Cache-Control', 'no-store')
      response.json({ token })
    }),
  )

  router.delete(
    PROVIDER_ENDPOINTS.delete_auth_token[1],
    handle(async (request, response) => {
      const input = requestInput(request)
      assertFields(input, DELETE_FIELDS)
      const text = (field: string): string => textOf(input, field) ?? ''
      // The reference's message names no token. It is good enough here: whoever replays it must have the token.
      await deps.auth.assertSigned({
        address: text('address'),
        signature: text('signature'),
        prefix: text('address'),
        orPrefix: text('address') + text('token'),
        nonce: text('nonce'),
      })
      await deps.tokens.revoke(text('token'), text('address'))
      response.json({ success: 'Token has been deactivated.' })
    }),
  )
  return router

  function assertLifetime(expiresAt: number): void {
    const { maxAuthTokenSeconds: most } = options
    if (expiresAt <= deps.now() + most) return
    const fields = { expiration: [`The expiration may be at most ${most} seconds from now.`] }
    throw new AppError('ValidationFailed', { fields })
  }
}
