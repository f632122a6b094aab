import { AppError } from '@c2d/runtime'
import type { ProviderChains } from '../chains/provider-chain.ts'
import { createShortMemory } from '../sharing/short-memory.ts'

/** Accounts that are contracts, and say themselves what they signed (ERC-1271). */
export interface ContractAccounts {
  /**
   * Whether the account at this address says that it signed the message; false for an account that is no contract.
   * @throws AppError `UpstreamUnavailable` where a chain cannot be asked; `TooManyRequests`
   */
  isSignedBy(address: string, message: string, signature: string): Promise<boolean>
}

/** How many may be asked about at once: nobody who is asked about has proven anything yet. */
const MAX_QUESTIONS = 16
/** An account that is none may become a contract, but not twice in a moment. */
const MEMORY_MS = 30_000
const MEMORY_ENTRIES = 10_000

/**
 * Asks the configured chains. One address may be different contracts on different chains, and of different owners:
 * every one of them must agree, so that a contract put there later opens nothing that is another's.
 * @param options.timeoutMs how long one contract may think
 */
export function createContractAccounts(
  options: { timeoutMs: number },
  deps: { chains: ProviderChains },
): ContractAccounts {
  const withCode = createShortMemory<boolean>({ ttlMs: MEMORY_MS, maxEntries: MEMORY_ENTRIES })
  let questions = 0

  async function ask(address: string, message: string, signature: string): Promise<boolean> {
    const chains = [...deps.chains.values()]
    const known = await Promise.all(
      chains.map((chain) => withCode.get(`${chain.chainId} ${address.toLowerCase()}`, () => chain.hasCode(address))),
    )
    const claim = { address, message, signature, timeoutMs: options.timeoutMs }
    const contracts = chains.filter((_chain, index) => known[index])
    const opinions = await Promise.all(contracts.map(({ client }) => client.isContractSignatureValid(claim)))
    return opinions.length > 0 && opinions.every(Boolean)
  }

  return {
    async isSignedBy(address, message, signature) {
      if (questions >= MAX_QUESTIONS) {
        throw new AppError('TooManyRequests', { detail: 'Too many contracts are being asked: try again later.' })
      }
      questions += 1
      try {
        return await ask(address, message, signature)
      } finally {
        questions -= 1
      }
    },
  }
}
