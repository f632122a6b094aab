import type { ChainCall } from '@c2d/chain'
import type { Metrics } from '@c2d/http-kit'

/** Counts and times what endpoints of a chain are really asked; what is remembered asks nothing. */
export type CountChainCalls = (chainId: number) => (call: ChainCall) => void

/** Endpoints are told apart by their position in the configuration: their addresses may hold keys. */
export function createChainCallCounter(metrics: Pick<Metrics, 'counter' | 'histogram'>): CountChainCalls {
  const labels = ['chain', 'endpoint', 'method']
  const calls = metrics.counter('chain_calls_total', 'Calls to endpoints of chains, by how they ended.', [
    ...labels,
    'outcome',
  ])
  const durations = metrics.histogram('chain_call_duration_seconds', 'Until the answer is there.', labels)
  return (chainId) =>
    ({ method, ms, outcome, endpoint }) => {
      const call = { chain: chainId, endpoint, method }
      calls.increment({ ...call, outcome })
      durations.observe(ms / 1000, call)
    }
}
