import { addressOf, createChainClient } from '@c2d/chain'
import { ConfigError } from '@c2d/runtime'
import { loadChainContracts } from './clients/address-file.ts'
import { loadChainId } from './clients/chain-id.ts'
import type { CountChainCalls } from './clients/count-chain-calls.ts'
import { createCodeProbe } from './clients/contract-code.ts'
import { valueForChain, type ProviderConfig } from './config.ts'
import { networkName } from './domain/chains/network-name.ts'
import type { ProviderChain, ProviderChains } from './domain/chains/provider-chain.ts'

/** Who is asked about has proven nothing yet: nobody waits long for it. */
const CODE_TIMEOUT_MS = 3_000

/**
 * Opens every configured chain. The caller closes their clients.
 * @throws ConfigError when a chain's contracts, key or fee token are not there
 */
export async function openChains(
  config: ProviderConfig,
  deps: { countCalls: CountChainCalls },
): Promise<ProviderChains> {
  const networks = config.NETWORK_URL
  const timeoutMs = config.REQUEST_TIMEOUT * 1000
  const urls =
    networks.kind === 'map'
      ? [...networks.values]
      : [[await loadChainId(networks.value, timeoutMs), networks.value] as const]
  const chains = await Promise.all(urls.map(([chainId, rpcUrls]) => openChain(config, chainId, rpcUrls, deps)))
  return new Map(chains.map((chain) => [chain.chainId, chain]))
}

async function openChain(
  config: ProviderConfig,
  chainId: number,
  rpcUrls: readonly string[],
  deps: { countCalls: CountChainCalls },
): Promise<ProviderChain> {
  const { factoryAddress, oceanToken, startBlock } = await loadChainContracts(config.ADDRESS_FILE, chainId)
  const privateKey = valueForChain(config.PROVIDER_PRIVATE_KEY, chainId)?.reveal()
  const feeToken = (config.PROVIDER_FEE_TOKEN && valueForChain(config.PROVIDER_FEE_TOKEN, chainId)) ?? oceanToken
  if (privateKey === undefined) throw new ConfigError([`PROVIDER_PRIVATE_KEY: has no key for chain ${chainId}`])
  if (feeToken === undefined) throw new ConfigError([`PROVIDER_FEE_TOKEN: chain ${chainId} has no OCEAN token to use`])
  const client = createChainClient({ chainId, rpcUrls, factoryAddress, startBlock, onCall: deps.countCalls(chainId) })
  return {
    chainId,
    network: networkName(chainId),
    factoryAddress,
    feeToken,
    privateKey,
    address: addressOf(privateKey),
    client,
    hasCode: createCodeProbe({ rpcUrls, timeoutMs: CODE_TIMEOUT_MS }),
  }
}
