import { AppError } from '@c2d/runtime'
import { FetchRequest, isError, JsonRpcProvider, Network, type Interface } from 'ethers'

const REQUEST_TIMEOUT_MS = 10_000
const POLLING_INTERVAL_MS = 100

/** The chain's RPC endpoint, with its failures translated. */
export interface ChainRpc {
  /**
   * Runs a request against the endpoint.
   * @throws AppError UpstreamUnavailable; never with the endpoint's URL, which may hold an access key
   */
  read<T>(request: (provider: JsonRpcProvider) => Promise<T>): Promise<T>
  /**
   * Calls a view function.
   * @returns its first result (or the one at `resultIndex`), or null where there is no such contract or it reverts
   * @throws AppError UpstreamUnavailable
   */
  call(view: ContractView): Promise<unknown>
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

/**
 * Opens the endpoint lazily: nothing is sent before the first request.
 * @param options.rpcUrl http or https
 */
export function createChainRpc(options: { chainId: number; rpcUrl: string }): ChainRpc {
  const request = new FetchRequest(options.rpcUrl)
  request.timeout = REQUEST_TIMEOUT_MS
  request.setThrottleParams({ maxAttempts: 2 }) // a busy endpoint must not hold our caller for minutes
  const network = Network.from(options.chainId)
  const provider = new JsonRpcProvider(request, network, {
    staticNetwork: network,
    cacheTimeout: -1, // identical reads must see the chain as it is now
    batchMaxCount: 1, // batching waits 10 ms for company
    pollingInterval: POLLING_INTERVAL_MS,
  })

  const read = async <T>(run: (provider: JsonRpcProvider) => Promise<T>): Promise<T> => {
    try {
      return await run(provider)
    } catch (error) {
      throw buildUnavailable(options.chainId, error)
    }
  }

  return {
    read,
    call: async ({ contract, address, name, args = [], resultIndex = 0 }) => {
      const call = { to: address, data: contract.encodeFunctionData(name, args) }
      const answer = await read(async () => {
        try {
          return String(await provider.send('eth_call', [call, 'latest']))
        } catch (error) {
          if (isRevert(error)) return '0x'
          throw error
        }
      })
      try {
        return contract.decodeFunctionResult(name, answer)[resultIndex] as unknown
      } catch {
        return null // nothing, or something of another shape: no contract of this kind lives there
      }
    },
    close: () => provider.destroy(),
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

/** Without the cause: an ethers error carries the request, and with it the endpoint's URL. */
function buildUnavailable(chainId: number, error: unknown): AppError {
  if (error instanceof AppError) return error
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
  const reason = typeof code === 'string' ? ` (${code})` : ''
  return new AppError('UpstreamUnavailable', { detail: `The chain ${chainId} cannot be read right now${reason}.` })
}
