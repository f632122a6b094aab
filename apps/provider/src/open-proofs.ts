import { createOrderProofSender } from '@c2d/chain'
import type { Metrics } from '@c2d/http-kit'
import type { Logger } from '@c2d/runtime'
import { createChainProofs, createHttpProofs } from './clients/proof-of-download.ts'
import { createProofQueue, type ProofQueue } from './clients/proof-queue.ts'
import { valueForChain, type ProviderConfig } from './config.ts'
import type { ProviderChains } from './domain/chains/provider-chain.ts'

const MAX_WAITING = 1_000

/** A queue that must be closed; closing hands over what waits. */
export interface OpenProofs extends ProofQueue {
  close(): Promise<void>
}

/** Opens what the configuration asks for; null where it asks for no proofs of downloads. */
export function openProofs(
  config: Pick<ProviderConfig, 'USE_HTTP_PROOF' | 'USE_CHAIN_PROOF' | 'NETWORK_URL' | 'REQUEST_TIMEOUT'>,
  deps: { chains: ProviderChains; metrics: Metrics; log: Logger },
): OpenProofs | null {
  const { USE_HTTP_PROOF: url, USE_CHAIN_PROOF: isOnChain, NETWORK_URL: networks } = config
  const timeoutMs = config.REQUEST_TIMEOUT * 1000
  if (url !== undefined) {
    const keyOf = (chainId: number): string => deps.chains.get(chainId)?.privateKey ?? ''
    const queue = createProofQueue(
      { maxWaiting: MAX_WAITING },
      { ...deps, sink: createHttpProofs({ url, timeoutMs }, { keyOf }) },
    )
    return { ...queue, close: () => queue.drain() }
  }
  if (!isOnChain) return null
  const senders = new Map(
    [...deps.chains.values()].map(({ chainId, privateKey }) => {
      const rpcUrls = valueForChain(networks, chainId) ?? []
      return [chainId, createOrderProofSender({ chainId, rpcUrls, requestTimeoutMs: timeoutMs }, privateKey)]
    }),
  )
  const queue = createProofQueue({ maxWaiting: MAX_WAITING }, { ...deps, sink: createChainProofs({ senders }) })
  return {
    ...queue,
    async close() {
      await queue.drain()
      senders.forEach((sender) => sender.close())
    },
  }
}
