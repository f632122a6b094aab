import { AppError } from '@c2d/runtime'

/** How often one address may act. */
export interface ConsumerLimit {
  /**
   * Counts one act of an address that has proven to be there: what somebody merely claims to be would let them spend
   * another's share.
   * @throws AppError `TooManyRequests`
   */
  take(address: string): void
}

const WINDOW_MS = 60_000

/**
 * Counts in this process only.
 * @param options.perMinute acts of one address; 0 sets no limit
 * @param now milliseconds of any steady clock
 */
export function createConsumerLimit(
  options: { perMinute: number },
  now: () => number = () => performance.now(),
): ConsumerLimit {
  // One window for all: what must be remembered ends with it.
  const taken = new Map<string, number>()
  let windowEnds = now() + WINDOW_MS
  return {
    take(address) {
      if (options.perMinute === 0) return
      if (now() >= windowEnds) {
        taken.clear()
        windowEnds = now() + WINDOW_MS
      }
      const key = address.toLowerCase()
      const count = (taken.get(key) ?? 0) + 1
      taken.set(key, count)
      if (count <= options.perMinute) return
      const seconds = Math.ceil((windowEnds - now()) / 1000)
      throw new AppError('TooManyRequests', { detail: `Too many requests of ${address}: try again in ${seconds} s.` })
    },
  }
}
