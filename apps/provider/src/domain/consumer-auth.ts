import type { recoverSigner } from '@c2d/chain'
import { isSameAddress } from '@c2d/contracts'
import type { NonceLedger } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'

/** Who says they signed what. */
interface SignedClaim {
  /** The claimed signer, in the casing sent. */
  address: string
  /** As sent; absent or empty counts as not signed. */
  signature: string | undefined
  /** The message up to the nonce. */
  prefix: string
  /** The nonce's literal text; it ends the message and is then spent. */
  nonce: string
}

/** Decides whether a request comes from the address it names, once (provider-http-api §2). */
export interface ConsumerAuth {
  /** Whether the address signed this whole message. Spends nothing. */
  isSignedBy(address: string, message: string, signature: string | undefined): boolean
  /**
   * The claim's signature fits, and its nonce was fresh and is now spent.
   * @throws AppError `InvalidSignature` or `StaleNonce` with the reference's bodies (§2.4)
   */
  assertSigned(claim: SignedClaim): Promise<void>
  /** @throws AppError `StaleNonce` */
  spend(address: string, nonce: string): Promise<void>
  /**
   * The nonce a client signed without sending it: one above what `GET nonce` told it, computed in a double as ocean.js
   * does (ocean-js-client §3, §12).
   */
  impliedNonce(address: string): Promise<string>
  /** The last spent nonce, or null for an address never seen. */
  lastNonce(address: string): Promise<string | null>
}

/** The last nonce of an address never seen: non-zero, because clients test for truth (ocean-js-client §3). */
export const FIRST_NONCE = '1'

/** @param deps.recover who signed a message, or null where the signature is none */
export function createConsumerAuth(deps: { ledger: NonceLedger; recover: typeof recoverSigner }): ConsumerAuth {
  const auth: ConsumerAuth = {
    isSignedBy(address, message, signature) {
      const signer = signature ? deps.recover(message, signature) : null
      return signer !== null && isSameAddress(signer, address)
    },
    async assertSigned(claim) {
      if (!auth.isSignedBy(claim.address, claim.prefix + claim.nonce, claim.signature)) {
        throw invalidSignature(
          claim,
          claim.signature ? deps.recover(claim.prefix + claim.nonce, claim.signature) : null,
        )
      }
      await auth.spend(claim.address, claim.nonce)
    },
    async spend(address, nonce) {
      const { fresh, highest } = await deps.ledger.spend(address, nonce)
      if (fresh) return
      const text = `Invalid signature expected nonce (${highest}) > current nonce (${nonce}).`
      throw new AppError('StaleNonce', { detail: text, fields: { signature: text } })
    },
    async impliedNonce(address) {
      return String(Number((await deps.ledger.highest(address)) ?? FIRST_NONCE) + 1)
    },
    lastNonce: (address) => deps.ledger.highest(address),
  }
  return auth
}

// A missing signature is answered with a list, a wrong one with a text: clients know both (provider-http-api §1.3).
function invalidSignature(claim: SignedClaim, recovered: string | null): AppError {
  if (!claim.signature) {
    const text = 'Invalid signature provided. Please check the nonce or documentId.'
    return new AppError('InvalidSignature', { detail: text, fields: { signature: [text] } })
  }
  const text =
    `Invalid signature ${claim.signature} for ethereum address ${claim.address}, message ${claim.prefix}` +
    ` and nonce ${claim.nonce}. Got ${recovered?.toLowerCase() ?? 'no recoverable address'}`
  return new AppError('InvalidSignature', { detail: text, fields: { signature: text } })
}
