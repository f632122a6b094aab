import { createHash, hkdfSync, randomUUID } from 'node:crypto'
import { addressSchema, isSameAddress } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { RevokedTokens } from '../../db/revoked-tokens.ts'

/** Tokens that stand for an address's signature until they expire or are revoked (provider-http-api §3). */
export interface AuthTokens {
  /**
   * Makes a token. Every one is another one, so making one anew never brings a revoked one back.
   * @param expiresAt epoch seconds
   */
  issue(address: string, expiresAt: number): Promise<string>
  /** @throws AppError `InvalidRequest` with `Token is invalid.`, `Token is expired.` or `Token is deleted.` */
  assertValid(token: string, address: string): Promise<void>
  /** Takes a token back, for good. Throws as `assertValid` does. */
  revoke(token: string, address: string): Promise<void>
}

const claimsSchema = z.object({ address: addressSchema, exp: z.number().int(), jti: z.string().min(1) })

/**
 * @param options.secret 32 bytes or more; whoever has them can make tokens
 * @param deps.now epoch seconds
 */
export function createAuthTokens(
  options: { secret: Uint8Array },
  deps: { revoked: RevokedTokens; now: () => number },
): AuthTokens {
  // The order of the reference: ours and not expired, then the address, then revocation.
  async function assertGenuine(token: string, address: string): Promise<{ hash: string; expiresAt: number }> {
    const claims = claimsSchema.safeParse(await verified(token, options.secret, deps.now()))
    if (!claims.success || !isSameAddress(claims.data.address, address)) throw refused('Token is invalid.')
    return { hash: createHash('sha256').update(token).digest('hex'), expiresAt: claims.data.exp }
  }

  return {
    issue: (address, expiresAt) =>
      new SignJWT({ address })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setJti(randomUUID())
        .setExpirationTime(expiresAt)
        .sign(options.secret),
    async assertValid(token, address) {
      const { hash } = await assertGenuine(token, address)
      if (await deps.revoked.isRevoked(hash)) throw refused('Token is deleted.')
    },
    async revoke(token, address) {
      const { hash, expiresAt } = await assertGenuine(token, address)
      if (!(await deps.revoked.revoke(hash, expiresAt))) throw refused('Token is deleted.')
    },
  }
}

/**
 * The secret of tokens where none is configured: derived from the universal key under a label of its own, so that
 * neither can be computed from the other, and no signature of the key can pass for a token.
 * @param universalKey hex with or without 0x, in any casing
 */
export function deriveAuthTokenSecret(universalKey: string): Uint8Array {
  const key = universalKey.replace(/^0x/i, '').toLowerCase()
  return new Uint8Array(hkdfSync('sha256', key, '', 'c2d provider auth tokens v1', 32))
}

async function verified(token: string, secret: Uint8Array, now: number): Promise<unknown> {
  try {
    const options = { algorithms: ['HS256'], typ: 'JWT', currentDate: new Date(now * 1000) }
    return (await jwtVerify(token, secret, options)).payload
  } catch (thrown) {
    if (thrown instanceof errors.JWTExpired) throw refused('Token is expired.')
    if (thrown instanceof errors.JOSEError) throw refused('Token is invalid.')
    throw thrown
  }
}

function refused(detail: string): AppError {
  return new AppError('InvalidRequest', { detail })
}
