import { createHash } from 'node:crypto'
import type { recoverSigner } from '@c2d/chain'
import { isSameAddress } from '@c2d/contracts'
import type { NonceLedger } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'
import type { SpentTexts } from '../../db/spent-texts.ts'
import type { AuthTokens } from './auth-tokens.ts'
import type { ActLimit } from '../sharing/act-limit.ts'
import type { ContractAccounts } from './contract-accounts.ts'
import { isNonceAbove } from './nonce-order.ts'
import { toldNonce } from './told-nonce.ts'

/** Who says they signed what. */
interface SignedClaim {
  /** The claimed signer, in the casing sent. */
  address: string
  /** As sent; absent or empty counts as not signed. */
  signature: string | undefined
  /** The message up to the nonce. */
  prefix: string
  /** Another text that may stand in its place. */
  orPrefix?: string | undefined
  /** The nonce's literal text; it ends the message and is then spent. */
  nonce: string
  /** The `AuthToken` header: counts where there is no signature, never beside one (provider-http-api §2.4). */
  authToken?: string | undefined
}

/** Decides whether a request comes from the address it names, once (provider-http-api §2). */
export interface ConsumerAuth {
  /** Whether the key of the address signed this whole message. Spends nothing. */
  isSignedByKey(address: string, message: string, signature: string | undefined): boolean
  /**
   * Whether the address, an account of a key or of a contract, signed this whole message. Spends nothing.
   * @throws AppError as `ContractAccounts.isSignedBy` does
   */
  isSignedBy(address: string, message: string, signature: string | undefined): Promise<boolean>
  /**
   * The claim's signature fits, or its token where it has no signature; and its nonce was fresh and is now spent.
   * @throws AppError `InvalidSignature` or `StaleNonce` with the reference's bodies (§2.4); `TooManyRequests`
   */
  assertSigned(claim: SignedClaim): Promise<void>
  /**
   * The same for a question that changes nothing: its nonce is above every spent one, and stays unspent.
   * @throws AppError as `assertSigned` does
   */
  assertWouldPass(claim: SignedClaim): Promise<void>
  /** @throws AppError `StaleNonce` */
  spend(address: string, nonce: string): Promise<void>
  /**
   * The nonce a client signed without sending it: one above what `GET nonce` told it, computed in a double as ocean.js
   * does (ocean-js-client §3, §12).
   */
  impliedNonce(address: string): Promise<string>
  /** The last spent nonce as its address is told of it (`toldNonce`), or null for an address never seen. */
  lastNonce(address: string): Promise<string | null>
}

/** The last nonce of an address never seen: non-zero, because clients test for truth (ocean-js-client §3). */
export const FIRST_NONCE = '1'

/** The reference's words where nobody signed (provider-http-api §1.3). */
export const NOT_SIGNED = 'Invalid signature provided. Please check the nonce or documentId.'

/** A DID, which has one length: digits behind it can only be the nonce. */
const ENDS_WITH_DID = /did:op:[0-9a-f]{64}$/i

/** @param deps.recover who signed a message, or null where the signature is none */
export function createConsumerAuth(deps: {
  ledger: NonceLedger
  texts: SpentTexts
  recover: typeof recoverSigner
  tokens: Pick<AuthTokens, 'assertValid'>
  /** Of what one address signed and was let through with. */
  limit: ActLimit
  contracts: ContractAccounts
}): ConsumerAuth {
  const auth: ConsumerAuth = {
    isSignedByKey(address, message, signature) {
      const signer = signature ? deps.recover(message, signature) : null
      return signer !== null && isSameAddress(signer, address)
    },
    async isSignedBy(address, message, signature) {
      if (!signature) return false
      return auth.isSignedByKey(address, message, signature) || deps.contracts.isSignedBy(address, message, signature)
    },
    async assertSigned(claim) {
      const prefix = await assertFits(claim)
      if (prefix !== null && !ENDS_WITH_DID.test(prefix)) await spendText(claim, prefix + claim.nonce)
      await auth.spend(claim.address, claim.nonce)
      deps.limit.count(claim.address)
    },
    async assertWouldPass(claim) {
      await assertFits(claim)
      const highest = await deps.ledger.highest(claim.address)
      if (highest !== null && !isNonceAbove(claim.nonce, highest)) throw staleNonce(highest, claim.nonce)
      deps.limit.count(claim.address)
    },
    async spend(address, nonce) {
      const { fresh, highest } = await deps.ledger.spend(address, nonce)
      if (!fresh) throw staleNonce(highest, nonce)
    },
    async impliedNonce(address) {
      return String(Number((await auth.lastNonce(address)) ?? FIRST_NONCE) + 1)
    },
    async lastNonce(address) {
      const highest = await deps.ledger.highest(address)
      return highest === null ? null : toldNonce(highest)
    },
  }
  return auth

  /** @returns what the signed message begins with; null where a token stands for it */
  async function assertFits(claim: SignedClaim): Promise<string | null> {
    const prefix = claim.signature ? await signedPrefix(claim, claim.signature) : null
    if (prefix === null) await assertTokenFits(claim)
    // Before the nonce is spent: who comes too often may come again with it. What was used before is counted to nobody, or
    // whoever has seen one signed link could use up its signer's share.
    deps.limit.assertRoom(claim.address)
    return prefix
  }

  async function signedPrefix(claim: SignedClaim, signature: string): Promise<string> {
    const { address, prefix, orPrefix, nonce } = claim
    const prefixes = [prefix, ...(orPrefix === undefined ? [] : [orPrefix])]
    const byKey = prefixes.find((start) => auth.isSignedByKey(address, start + nonce, signature))
    if (byKey !== undefined) return byKey
    // No key signed for this address. It may be a contract, which only its chain can ask.
    for (const start of prefixes) if (await deps.contracts.isSignedBy(address, start + nonce, signature)) return start
    throw wrongSignature(claim, deps.recover(prefix + nonce, signature))
  }

  /**
   * Texts are put together without separators: a result's `index` and `nonce` read as one longer nonce make the text of
   * another route, and its nonce would be a new one. So the text itself counts once, too (provider-http-api W10).
   */
  async function spendText({ address, nonce }: SignedClaim, text: string): Promise<void> {
    if (await deps.texts.spend(createHash('sha256').update(text).digest('hex'))) return
    // By chance the next nonce makes a text of before. Whoever counts on would come back to it for ever, so it is spent;
    // any other would let a used link push an address's nonces up.
    if (nonce === (await auth.impliedNonce(address))) await auth.spend(address, nonce)
    throw staleNonce((await deps.ledger.highest(address)) ?? nonce, nonce)
  }

  async function assertTokenFits({ authToken, address }: SignedClaim): Promise<void> {
    if (!authToken) throw notSigned()
    try {
      await deps.tokens.assertValid(authToken, address)
    } catch (thrown) {
      throw thrown instanceof AppError && thrown.code === 'InvalidRequest' ? notSigned(thrown.detail) : thrown
    }
  }
}

function staleNonce(highest: string, nonce: string): AppError {
  const text = `Invalid signature expected nonce (${highest}) > current nonce (${nonce}).`
  return new AppError('StaleNonce', { detail: text, fields: { signature: text } })
}

// A missing signature is answered with a list, a wrong one with a text: clients know both (provider-http-api §1.3).
function notSigned(why?: string): AppError {
  const detail = why ?? NOT_SIGNED
  return new AppError('InvalidSignature', { detail, fields: { signature: [NOT_SIGNED, ...(why ? [why] : [])] } })
}

function wrongSignature(claim: SignedClaim, recovered: string | null): AppError {
  const text =
    `Invalid signature ${claim.signature} for ethereum address ${claim.address}, message ${claim.prefix}` +
    ` and nonce ${claim.nonce}. Got ${recovered?.toLowerCase() ?? 'no recoverable address'}`
  return new AppError('InvalidSignature', { detail: text, fields: { signature: text } })
}
