import type { ChainClient } from '@c2d/chain'

/** One chain this provider serves: how to read it, and who we are on it. */
export interface ProviderChain {
  readonly chainId: number
  /** As error texts spell it. */
  readonly network: string
  readonly factoryAddress: string
  /** The token fees are paid in; the zero address means no fees. */
  readonly feeToken: string
  /** Our address on this chain: what `providerAddresses` and fee events say. */
  readonly address: string
  /** Decrypts documents and files, signs fees (provider-http-api §9.2). Never logged. */
  readonly privateKey: string
  readonly client: ChainClient
  /** Whether an address is a contract here. Throws AppError `UpstreamUnavailable`. */
  hasCode(address: string): Promise<boolean>
}

/** The configured chains by chain id. */
export type ProviderChains = ReadonlyMap<number, ProviderChain>

/** The same chains, each as of one moment (`ChainClient.atOneMoment`): for what belongs together. */
export function chainsAtOneMoment(chains: ProviderChains): ProviderChains {
  return new Map([...chains].map(([chainId, chain]) => [chainId, { ...chain, client: chain.client.atOneMoment() }]))
}
