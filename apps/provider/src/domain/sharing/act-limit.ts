import { AppError } from '@c2d/runtime'

/** How often one party may act in a minute. */
export interface ActLimit {
  /** @throws AppError `TooManyRequests` for whom nothing is left in this minute */
  assertRoom(who: string): void
  /** Counts one act; never refuses. */
  count(who: string): void
}

const WINDOW_MS = 60_000

/**
 * Counts in this process only. Asked before an act and told after it, since what an act was shows when it is done: a
 * few that begin at the same moment may go beyond the limit together.
 * @param options.perMinute acts of one party; 0 sets no limit
 * @param now milliseconds of any steady clock
 */
export function createActLimit(options: { perMinute: number }, now: () => number = () => performance.now()): ActLimit {
  // One window for all, which begins with the first act after the last one: what must be remembered ends with it.
  const counts = new Map<string, number>()
  let windowEnds = -Infinity
  const countOf = (who: string): number => (now() < windowEnds ? (counts.get(who.toLowerCase()) ?? 0) : 0)
  return {
    assertRoom(who) {
      if (options.perMinute === 0 || countOf(who) < options.perMinute) return
      const seconds = Math.ceil((windowEnds - now()) / 1000)
      throw new AppError('TooManyRequests', { detail: `Too many requests of ${who}: try again in ${seconds} s.` })
    },
    count(who) {
      if (options.perMinute === 0) return
      if (now() >= windowEnds) {
        counts.clear()
        windowEnds = now() + WINDOW_MS
      }
      counts.set(who.toLowerCase(), countOf(who) + 1)
    },
  }
}
