import type { Log } from 'ethers'
import type { ChainRpc } from './chain-rpc.ts'

/** Which logs, and from which blocks, both included. */
export interface LogQuery {
  address: string
  topics: string[][]
  fromBlock: number
  toBlock: number
}

/**
 * Reads logs in as few requests as the endpoint lets us: all blocks at once, or part by part where it refuses the
 * range. The parts come one at a time, so whoever has found what it wants can stop.
 * @param direction which end comes first; within a part the order is the chain's
 * @throws AppError UpstreamUnavailable
 */
export type LogReader = (query: LogQuery, direction: 'oldest first' | 'newest first') => AsyncGenerator<Log[], void>

/** An endpoint that lags gives no logs for blocks it does not have, and does not say so; none lags further. */
const LAG_BLOCKS = 256

/**
 * The block up to which a search need not be repeated.
 * @param newestBlock as an endpoint told it, though another may have been searched
 * @param confirmations how deep a block must be buried to be taken for final
 */
export function searchedForGood(newestBlock: number, confirmations: number): number {
  return newestBlock - Math.max(confirmations, LAG_BLOCKS)
}

/** What most endpoints grant that do not grant everything. */
const USUAL_LIMIT_BLOCKS = 10_000

/** A reader that remembers how many blocks its endpoint grants. */
export function createLogReader(rpc: ChainRpc): LogReader {
  let spanBlocks = Number.POSITIVE_INFINITY

  const readPart = (query: LogQuery, fromBlock: number, toBlock: number): Promise<Log[] | 'refused'> =>
    rpc.read(async (provider) => {
      try {
        return await provider.getLogs({ address: query.address, topics: query.topics, fromBlock, toBlock })
      } catch (error) {
        if (toBlock > fromBlock && isRangeRefused(error)) return 'refused'
        throw error
      }
    })

  return async function* readLogs(query, direction) {
    let [low, high] = [query.fromBlock, query.toBlock]
    while (low <= high) {
      const size = Math.min(spanBlocks, high - low + 1)
      const [from, to] = direction === 'oldest first' ? [low, low + size - 1] : [high - size + 1, high]
      const part = await readPart(query, from, to)
      if (part === 'refused') {
        spanBlocks = size > USUAL_LIMIT_BLOCKS ? USUAL_LIMIT_BLOCKS : Math.ceil(size / 2)
        continue
      }
      if (direction === 'oldest first') low = to + 1
      else high = from - 1
      yield part
    }
  }
}

// There is no code for it: every provider has words of its own. None of these is in a plain refusal of service.
const RANGE_REFUSED = new RegExp(
  [
    String.raw`(?:block|query|log)s? ?range`,
    String.raw`range (?:is |exceeds|limit|too)`,
    String.raw`(?:too many|more than [\d,]+|max(?:imum)? (?:number )?of) (?:results|logs|blocks|records)`,
    String.raw`returned more than`,
    String.raw`response (?:size|is too)`,
    String.raw`limited to (?:a |an )?[\d,]+`,
  ].join('|'),
  'i',
)

/** Whether an endpoint says that it would answer a smaller question. */
function isRangeRefused(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const info: unknown = Reflect.get(error, 'info')
  const told = [
    Reflect.get(error, 'error'),
    typeof info === 'object' && info !== null ? Object.values(info) : [],
  ].flat()
  return told.some((part: unknown) => {
    if (typeof part === 'string') return RANGE_REFUSED.test(part)
    return typeof part === 'object' && part !== null && RANGE_REFUSED.test(String(Reflect.get(part, 'message')))
  })
}
