import type { ChainClient } from '@c2d/chain'
import type { Metrics } from '@c2d/http-kit'
import { createCallMeter } from './clients/measure-calls.ts'
import type { MetadataCache } from './clients/metadata-cache.ts'
import type { OperatorService } from './clients/operator-service.ts'
import type { Rbac } from './clients/rbac.ts'
import type { ProviderChains } from './domain/chains/provider-chain.ts'

/** Those that the app asks. */
interface Peers {
  chains: ProviderChains
  cache: MetadataCache | null
  operator: OperatorService | null
  rbac: Rbac | null
}

/** The same adapters, with every call counted and timed. */
export function measurePeers(peers: Peers, metrics: Metrics): Peers {
  const meter = createCallMeter(metrics)
  const chains = [...peers.chains.values()].map((chain) => {
    const peer = `chain ${chain.chainId}`
    const measured = (client: ChainClient): ChainClient =>
      meter.measure(peer, { ...client, atOneMoment: () => measured(client.atOneMoment()) })
    return [chain.chainId, meter.measure(peer, { ...chain, client: measured(chain.client) })] as const
  })
  return {
    chains: new Map(chains),
    cache: peers.cache && meter.measure('cache', peers.cache),
    operator: peers.operator && meter.measure('operator', peers.operator),
    rbac: peers.rbac && meter.measure('rbac', peers.rbac),
  }
}
