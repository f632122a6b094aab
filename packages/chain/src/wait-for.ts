import { sleep } from '@c2d/runtime'

/**
 * Asks again and again until there is an answer.
 * @param probe gives null while there is none; what it throws ends the wait
 * @returns the answer, or null after `timeoutMs`; asks at least once
 */
export async function waitFor<T>(
  probe: () => Promise<T | null>,
  options: { intervalMs: number; timeoutMs: number },
): Promise<T | null> {
  const deadline = performance.now() + options.timeoutMs
  for (;;) {
    const answer = await probe()
    const leftMs = deadline - performance.now()
    if (answer !== null || leftMs <= 0) return answer
    await sleep(Math.min(options.intervalMs, leftMs))
  }
}
