import { setTimeout as sleep } from 'node:timers/promises'
import { pauseBeforeRetry, type RetryPolicy } from './backoff.ts'
import { PassingFailure } from './origin.ts'

/** Decides whether to try again, and waits for it. One for each thing that is tried. */
export interface Patience {
  /**
   * Waits before another try.
   * @param gotBytes whether the failed try brought anything
   * @throws the failure itself, when it is no passing one or there were too many
   */
  afterFailure(failure: unknown, gotBytes: boolean): Promise<void>
}

/** What all tries for one file have in common. */
export interface FailureCount {
  failures: number
}

/** @param total counted over every connection of a file; each connection has its own tries in a row */
export function createPatience(policy: RetryPolicy, total: FailureCount, signal?: AbortSignal): Patience {
  let fruitless = 0
  return {
    async afterFailure(failure, gotBytes) {
      if (!(failure instanceof PassingFailure) || signal?.aborted) throw failure
      fruitless = gotBytes ? 1 : fruitless + 1
      total.failures += 1
      if (fruitless >= policy.maxFruitless || total.failures >= policy.maxFailures) throw failure
      await sleep(pauseBeforeRetry(fruitless, failure.waitMs, policy), undefined, signal ? { signal } : {})
    },
  }
}

/** Does something until it works, or fails for good. */
export async function retrying<T>(policy: RetryPolicy, what: () => Promise<T>): Promise<T> {
  const patience = createPatience(policy, { failures: 0 })
  for (;;) {
    try {
      return await what()
    } catch (failure) {
      await patience.afterFailure(failure, false)
    }
  }
}
