import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const SMALL_ROUND_BYTES = 4 * 1024 ** 2
const ROUNDS_TO_LOOK = 16
const LARGE_HEAP_BYTES = 40e6

/**
 * Keeps this process small whatever passes through it. Bytes off the wire come in buffers that are garbage at once, and
 * that the collector leaves lying until there are a hundred megabytes of them: it is asked for its small round every few
 * megabytes, which takes a fraction of a millisecond, for its large one where thousands of files have left their marks,
 * and told not to enlarge the space for what is young.
 * @returns to be told of every byte that passes
 */
export function createBufferRelease(): (bytes: number) => void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void
  let passed = 0
  let rounds = 0
  return (bytes) => {
    passed += bytes
    if (passed < SMALL_ROUND_BYTES) return
    passed = 0
    rounds += 1
    const looks = rounds % ROUNDS_TO_LOOK === 0
    collect({ type: looks && getHeapStatistics().used_heap_size > LARGE_HEAP_BYTES ? 'major' : 'minor' })
  }
}
