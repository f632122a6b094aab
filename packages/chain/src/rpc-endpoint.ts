import { FetchRequest, isError, JsonRpcProvider, Network, type JsonRpcPayload, type JsonRpcResult } from 'ethers'

/** One call that was sent to an endpoint, for metrics. */
export interface ChainCall {
  /** For example `eth_getLogs`. */
  method: string
  /** How long it took, in milliseconds. */
  ms: number
  /** `refused`: the endpoint answered with an error (a call that reverts is one); `failed`: it did not answer well. */
  outcome: 'ok' | 'refused' | 'failed'
  /** Position of the endpoint in the configured list. */
  endpoint: number
}

/** Is told of every call; must not throw. */
export type OnChainCall = (call: ChainCall) => void

const POLLING_INTERVAL_MS = 100

/**
 * Opens one endpoint lazily: nothing is sent before the first request.
 * @param options.rpcUrl http or https
 */
export function openRpcEndpoint(options: {
  chainId: number
  rpcUrl: string
  index: number
  timeoutMs: number
  onCall: OnChainCall | undefined
}): JsonRpcProvider {
  const request = new FetchRequest(options.rpcUrl)
  request.timeout = options.timeoutMs
  request.setThrottleParams({ maxAttempts: 2 }) // a busy endpoint must not hold our caller for minutes
  const network = Network.from(options.chainId)
  const provider = new JsonRpcProvider(request, network, {
    staticNetwork: network,
    cacheTimeout: -1, // identical reads must see the chain as it is now
    batchMaxCount: 1, // batching waits 10 ms for company
    pollingInterval: POLLING_INTERVAL_MS,
  })
  if (options.onCall) observeCalls(provider, options.index, options.onCall)
  return provider
}

function observeCalls(provider: JsonRpcProvider, endpoint: number, onCall: OnChainCall): void {
  const send = provider._send.bind(provider)
  provider._send = async (payload: JsonRpcPayload | JsonRpcPayload[]): Promise<JsonRpcResult[]> => {
    const methods = [payload].flat().map(({ method }) => method)
    const startedAt = performance.now()
    const report = (outcome: ChainCall['outcome']) => {
      for (const method of methods) onCall({ method, ms: performance.now() - startedAt, outcome, endpoint })
    }
    try {
      const results = await send(payload)
      report(results.every((result) => 'result' in result) ? 'ok' : 'refused')
      return results
    } catch (error) {
      report('failed')
      throw error
    }
  }
}

/**
 * Calls a contract as things are now.
 * @returns what it gives, in hex; `0x` where there is no contract, or it reverts
 * @throws whatever ethers throws for an endpoint that fails or refuses
 */
export async function callContract(
  provider: JsonRpcProvider,
  call: { to: string; data: string; gas?: string },
): Promise<string> {
  try {
    return String(await provider.send('eth_call', [call, 'latest']))
  } catch (error) {
    if (isRevert(error)) return '0x'
    throw error
  }
}

// How nodes word that a contract's code came to a bad end; their error codes are shared with refusals.
const HALTED = /revert|evm error|invalid opcode|bad instruction|invalid jump|stack ?(?:under|over)flow|out ?of ?gas/i

/** ethers calls every failed eth_call a call exception, a refused one as well; the endpoint's own words decide. */
function isRevert(error: unknown): boolean {
  if (!isError(error, 'CALL_EXCEPTION')) return false
  const answer: unknown = error.info?.['error']
  if (typeof answer !== 'object' || answer === null) return false
  return Reflect.get(answer, 'code') === 3 || HALTED.test(String(Reflect.get(answer, 'message')))
}
