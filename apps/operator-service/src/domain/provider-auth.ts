import { operatorMessage } from '@c2d/contracts'
import { createNonceLedger, type Database } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'
import { nonceWindow } from './nonce-window.ts'

/** What a provider signed, and with what. */
export interface SignedCall {
  /** As sent; empty where the call names no owner. */
  owner: string
  jobId?: string | undefined
  nonce: string
  providerSignature: string
}

/** Who of the providers is asking, and whether for the first time. */
export interface ProviderAuth {
  /**
   * The provider that signed a call: owner, job when named, nonce (operator-service-api §6.2).
   * @throws AppError `InvalidSignature` when nobody can be recovered, `Unauthorized` when the signer is not allowed
   */
  recoverProvider(call: SignedCall): string
  /**
   * Spends the nonce of a recovered provider, atomically, exactly once.
   * @param db the pool, or the transaction that the spending stands or falls with
   * @param prefix what the reference puts before its text on this route
   * @throws AppError `StaleNonce`
   */
  spendNonce(db: Database, provider: string, nonce: string, prefix: string): Promise<void>
}

/**
 * The allow-list is asked before the nonce is spent, other than in the reference: strangers must not fill the ledger.
 * @param options.isSignatureRequired without it any signer passes, as in the reference's default
 * @param options.allowedProviders addresses in any casing
 */
export function createProviderAuth(
  options: { isSignatureRequired: boolean; allowedProviders: readonly string[] },
  deps: { recoverSigner: (message: string, signature: string) => string | null },
): ProviderAuth {
  const allowed = new Set(options.allowedProviders.map((address) => address.toLowerCase()))
  return {
    recoverProvider(call) {
      const message = operatorMessage(call)
      const signer = deps.recoverSigner(message, call.providerSignature)
      if (signer === null) throw new AppError('InvalidSignature', { detail: 'Failed to recover address' })
      if (options.isSignatureRequired && !allowed.has(signer.toLowerCase())) {
        throw new AppError('Unauthorized', {
          detail: `The signing account ${signer} is not authorized to use this service.`,
          legacy: `Invalid signature ${call.providerSignature} of documentId ${message},the signing ethereum account ${signer} is not authorized to use this service.`,
        })
      }
      return signer.toLowerCase()
    },
    async spendNonce(db, provider, nonce, prefix) {
      const ledger = createNonceLedger({ window: nonceWindow(nonce) }, { db })
      const { fresh, highest } = await ledger.spend(provider, nonce)
      if (fresh) return
      throw new AppError('StaleNonce', {
        detail: 'The nonce was used before, or is too old.',
        legacy: `${prefix}Invalid signature expected nonce (${highest}) > current nonce (${nonce}).`,
      })
    },
  }
}
