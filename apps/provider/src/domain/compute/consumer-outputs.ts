import { eciesDecrypt } from '@c2d/chain'
import { discardBody, type SourceFetch } from '@c2d/storage'
import { AppError } from '@c2d/runtime'
import type { ProviderChains } from '../chains/provider-chain.ts'

/** What judging a consumer's own storage needs of this provider. */
export interface ConsumerOutputs {
  /** Opens what was encrypted to the key of any of our chains; null where none fits. */
  open(encrypted: string): string | null
  /** Whether something answers at an address, and we may go there (DESIGN §4.8). What it answers does not matter. */
  isReachable(url: string): Promise<boolean>
}

/** @param options.timeoutMs how long a storage may take to answer */
export function createConsumerOutputs(
  options: { timeoutMs: number },
  deps: { chains: ProviderChains; fetch: SourceFetch },
): ConsumerOutputs {
  const keys = new Set([...deps.chains.values()].map(({ privateKey }) => privateKey))
  return {
    open(encrypted) {
      const bytes = Buffer.from(encrypted.slice(2), 'hex')
      for (const key of keys) {
        const opened = openWith(key, bytes)
        if (opened) return Buffer.from(opened).toString('utf8')
      }
      return null
    },
    async isReachable(url) {
      try {
        const answer = await deps.fetch(new URL('/', url).href, {
          method: 'HEAD',
          signal: AbortSignal.timeout(options.timeoutMs),
        })
        await discardBody(answer.body)
        return true
      } catch (thrown) {
        // Refused, unknown, silent: one answer for all, or questions about addresses would be answered here.
        if (thrown instanceof AppError || (thrown as { name?: unknown }).name === 'TimeoutError') return false
        throw thrown
      }
    },
  }
}

function openWith(key: string, bytes: Uint8Array): Uint8Array | null {
  try {
    return eciesDecrypt(key, bytes)
  } catch (thrown) {
    if (thrown instanceof AppError) return null // encrypted to another key
    throw thrown
  }
}
