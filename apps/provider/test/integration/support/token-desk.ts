import { signMessage } from '@c2d/chain'
import { AUTH_TOKEN_HEADER } from '@c2d/contracts'
import { SignJWT } from 'jose'
import { orderAccess, type OrderedAccess } from './access.ts'
import { nextNonce, query, send, type Answer } from './api.ts'
import type { ChainActor } from './chain-actor.ts'
import { AUTH_TOKEN_SECRET } from './provider-app.ts'
import type { Stack } from './stack.ts'

export const CREATE = '/api/services/createAuthToken'
export const DELETE = '/api/services/deleteAuthToken'
export const NOT_SIGNED = 'Invalid signature provided. Please check the nonce or documentId.'

/** Epoch seconds of a moment to come, or before. */
export const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

/** What is asked for a token, signed. */
export function createForm(by: ChainActor, expiration: number): Record<string, string> {
  const nonce = nextNonce()
  const signature = signMessage(`${by.address}${expiration}${nonce}`, by.key)
  return { address: by.address, expiration: String(expiration), nonce, signature }
}

/** How a token is refused, and why. */
export const refusedAs = (...texts: string[]): object => ({
  errors: { signature: [NOT_SIGNED, ...texts] },
  message: 'Validation error',
  success: false,
})

/** Tokens of one stack, and a file that they open. */
export interface TokenDesk {
  ordered: OrderedAccess
  createToken(by?: ChainActor, expiration?: number): Promise<string>
  /** @param message what is signed before the nonce; by default the address */
  deleteToken(token: string, by?: ChainActor, message?: string): Promise<Answer>
  /** Fetches the file of the consumer, whose text is `hello`. */
  download(token: string, changes?: Record<string, string>): Promise<Answer>
  /** A token with these claims, by whoever has the secret. */
  forge(claims: Record<string, unknown>, secret?: Uint8Array): Promise<string>
}

/** Opens one; the consumer orders the file. */
export async function openTokenDesk(stack: Stack): Promise<TokenDesk> {
  const ordered = await orderAccess(stack, stack.origin.offer('/a.txt', 'hello'))
  const { asset, transferTxId } = ordered
  return {
    ordered,
    async createToken(by = stack.consumer, expiration = inSeconds(3600)) {
      const answer = await query(stack, 'GET', CREATE, createForm(by, expiration))
      if (answer.status !== 200) throw new Error(`no token: ${answer.text}`)
      return (answer.json as { token: string }).token
    },
    deleteToken(token, by = stack.consumer, message = by.address) {
      const nonce = nextNonce()
      const signature = signMessage(message + nonce, by.key)
      return send(stack, 'DELETE', DELETE, { address: by.address, token, nonce, signature })
    },
    download(token, changes = {}) {
      const parameters = {
        fileIndex: '0',
        documentId: asset.did,
        transferTxId,
        serviceId: asset.serviceId,
        consumerAddress: stack.consumer.address,
        nonce: nextNonce(),
        ...changes,
      }
      return query(stack, 'GET', '/api/services/download', parameters, { [AUTH_TOKEN_HEADER]: token })
    },
    forge: (claims, secret = AUTH_TOKEN_SECRET) =>
      new SignJWT({ address: stack.consumer.address, exp: inSeconds(3600), jti: 'one', ...claims })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .sign(secret),
  }
}
