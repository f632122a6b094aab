import { createBoundedMap } from './bounded-map.ts'
import type { LatestBlock } from './latest-block.ts'

/** Answers a question about the chain, from memory where it was answered with yes for good. */
export type LastingTruth = (key: string, ask: () => Promise<boolean>) => Promise<boolean>

const MAX_ENTRIES = 10_000
const FOR_GOOD = 'for good'

/**
 * Remembers a "yes" for ever once it has been true for some blocks: a reorganisation of the chain can give an address
 * to another contract, but not that deep. A "no" is never remembered.
 */
export function createLastingTruth(
  options: { confirmations: number },
  deps: { latestBlock: LatestBlock },
): LastingTruth {
  /** The block in which it was first seen to be true. */
  const known = createBoundedMap<string, number | typeof FOR_GOOD>(MAX_ENTRIES)
  const remember = (key: string, block: number): void => {
    const seen = known.get(key) ?? block
    if (seen === FOR_GOOD) return
    const since = Math.min(seen, block)
    known.set(key, block - since >= options.confirmations ? FOR_GOOD : since)
  }
  return async (key, ask) => {
    if (known.get(key) === FOR_GOOD) return true
    if (!(await ask())) {
      known.delete(key)
      return false
    }
    // Nobody waits for the memory, and it may fail: then the chain is asked again.
    deps.latestBlock().then(
      ({ number }) => remember(key, number),
      () => undefined,
    )
    return true
  }
}
