import { createBoundedMap } from './bounded-map.ts'
import type { BlockHead } from './latest-block.ts'

/** Gives what was answered before while the same block was the newest, else what `load` gives; failures are forgotten. */
export type BlockMemory<T> = (block: BlockHead, key: string, load: () => Promise<T>) => Promise<T>

/**
 * An answer belongs to a block, by its hash: a block of the same number may be another after a reorganisation. Where it
 * was read a moment later than its block, it is newer than it need be.
 * @param maxEntries how many answers are kept
 */
export function createBlockMemory<T>(maxEntries: number): BlockMemory<T> {
  let answersOf = ''
  let answers = createBoundedMap<string, Promise<T>>(maxEntries)
  return async (block, key, load) => {
    if (block.hash !== answersOf) [answersOf, answers] = [block.hash, createBoundedMap(maxEntries)]
    const own = answers
    const known = own.get(key)
    if (known) return known
    const answer = load()
    own.set(key, answer)
    answer.catch(() => own.delete(key)) // whoever waits is told; the next asks again
    return answer
  }
}
