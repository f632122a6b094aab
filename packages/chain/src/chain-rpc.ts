import { AppError, ConfigError } from '@c2d/runtime'
import type { Interface, JsonRpcProvider } from 'ethers'
import { callContract, openRpcEndpoint, type OnChainCall } from './rpc-endpoint.ts'

/** Where a chain is read. */
export interface ChainRpcOptions {
  chainId: number
  /** http or https, the best first. */
  rpcUrls: readonly string[]
  /** How long one call may take, in milliseconds; default 10 s, 4 s where there is another endpoint to ask. */
  requestTimeoutMs?: number | undefined
  /** How long another endpoint is kept before the first is tried again, in milliseconds; default 30 s. */
  fallbackMs?: number | undefined
  onCall?: OnChainCall | undefined
}

/** The chain's RPC endpoints, with their failures translated. */
export interface ChainRpc {
  /**
   * Runs a request against an endpoint; where it fails, against the next.
   * @throws AppError UpstreamUnavailable; never with an endpoint's URL, which may hold an access key
   */
  read<T>(request: (provider: JsonRpcProvider) => Promise<T>): Promise<T>
  /**
   * Calls a view function.
   * @returns its first result (or the one at `resultIndex`), or null where there is no such contract or it reverts
   * @throws AppError UpstreamUnavailable
   */
  call(view: ContractView): Promise<unknown>
  /**
   * Resolves when an endpoint answers and serves this chain.
   * @throws AppError UpstreamUnavailable
   */
  checkChain(): Promise<void>
  close(): void
}

/** One call of a view function. */
interface ContractView {
  readonly contract: Interface
  readonly address: string
  readonly name: string
  readonly args?: readonly unknown[]
  readonly resultIndex?: number
}

interface Endpoint {
  readonly provider: JsonRpcProvider
  isOfThisChain: boolean
}

/**
 * Opens the endpoints lazily. Where there are several, each is asked for its chain id before anything else counts,
 * so that a fallback to a wrong chain cannot confirm an order.
 * @throws ConfigError where there is no endpoint
 */
export function createChainRpc(options: ChainRpcOptions): ChainRpc {
  const { chainId, rpcUrls, onCall, fallbackMs = 30_000 } = options
  if (rpcUrls.length === 0) throw new ConfigError([`chain ${chainId}: has no endpoint`])
  const timeoutMs = options.requestTimeoutMs ?? (rpcUrls.length > 1 ? 4_000 : 10_000)
  const endpoints = rpcUrls.map((rpcUrl, index): Endpoint => {
    const provider = openRpcEndpoint({ chainId, rpcUrl, index, timeoutMs, onCall })
    return { provider, isOfThisChain: rpcUrls.length === 1 }
  })
  let preferred = 0
  let preferredSince = 0

  const assertChain = async (provider: JsonRpcProvider): Promise<void> => {
    const served = Number(await provider.send('eth_chainId', []))
    if (served === chainId) return
    const detail = `The endpoint of chain ${chainId} serves chain ${served}.`
    throw new AppError('UpstreamUnavailable', { detail })
  }

  const read = async <T>(run: (provider: JsonRpcProvider) => Promise<T>): Promise<T> => {
    if (performance.now() - preferredSince > fallbackMs) preferred = 0
    const first = preferred
    let failure: unknown
    for (let step = 0; step < endpoints.length; step++) {
      const index = (first + step) % endpoints.length
      const endpoint = endpoints[index]
      if (!endpoint) break
      try {
        if (!endpoint.isOfThisChain) await assertChain(endpoint.provider)
        endpoint.isOfThisChain = true
        const answer = await run(endpoint.provider)
        if (step > 0) [preferred, preferredSince] = [index, performance.now()]
        return answer
      } catch (error) {
        failure = error
      }
    }
    throw buildUnavailable(chainId, failure)
  }

  return {
    read,
    call: async ({ contract, address, name, args = [], resultIndex = 0 }) => {
      const call = { to: address, data: contract.encodeFunctionData(name, args) }
      const answer = await read((provider) => callContract(provider, call))
      try {
        return contract.decodeFunctionResult(name, answer)[resultIndex] as unknown
      } catch {
        return null // nothing, or something of another shape: no contract of this kind lives there
      }
    },
    checkChain: () => read(assertChain),
    close: () => {
      for (const { provider } of endpoints) provider.destroy()
    },
  }
}

/** Of the cause only its code, and that for the log alone: an ethers error carries the request with the endpoint's URL. */
function buildUnavailable(chainId: number, error: unknown): AppError {
  if (error instanceof AppError) return error
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
  const detail = `The chain ${chainId} cannot be read right now.`
  return new AppError('UpstreamUnavailable', {
    detail,
    ...(typeof code === 'string' ? { cause: new Error(code) } : {}),
  })
}
