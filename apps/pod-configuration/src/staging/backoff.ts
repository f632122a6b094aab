/** How stubbornly a file is asked for. */
export interface RetryPolicy {
  /** Tries in a row that bring no byte, before a file is given up. */
  maxFruitless: number
  /** Tries in all, fruitful or not. */
  maxFailures: number
  /** First pause, in milliseconds; it doubles. */
  pauseMs: number
  /** Longest pause, in milliseconds; what an origin asks for is cut to it too. */
  maxPauseMs: number
}

export const RETRY_POLICY: RetryPolicy = { maxFruitless: 5, maxFailures: 100, pauseMs: 200, maxPauseMs: 20_000 }

/**
 * The pause before another try: exponential, and anywhere in its upper half, so that those who failed together do not
 * come back together. What the origin asked for is kept to, within the longest pause.
 * @param fruitless how many tries in a row brought nothing, from 1
 * @param random from 0 to 1
 */
export function pauseBeforeRetry(
  fruitless: number,
  waitMs: number | null,
  policy: RetryPolicy,
  random: () => number = Math.random,
): number {
  const full = Math.min(policy.maxPauseMs, policy.pauseMs * 2 ** Math.min(fruitless - 1, 20))
  const own = full * (0.5 + random() / 2)
  return waitMs === null ? own : Math.min(policy.maxPauseMs, Math.max(own, waitMs))
}
