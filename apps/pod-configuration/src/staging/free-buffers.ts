import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const EVERY_BYTES = 8 * 1024 ** 2

/**
 * Keeps this process small whatever passes through it. Bytes off the wire come in buffers that are garbage at once, and
 * that the collector leaves lying until there are a hundred megabytes of them: it is asked for its small round every few
 * megabytes, which takes a fraction of a millisecond, and told not to enlarge the space for what is young.
 * @returns to be told of every byte that passes
 */
export function createBufferRelease(): (bytes: number) => void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void
  let passed = 0
  return (bytes) => {
    passed += bytes
    if (passed < EVERY_BYTES) return
    passed = 0
    collect({ type: 'minor' })
  }
}
