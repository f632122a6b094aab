import { setTimeout as delay } from 'node:timers/promises'

/**
 * Waits, or ends early without an error when the signal aborts.
 * @param ms milliseconds
 */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal ? { signal } : {})
  } catch (error) {
    if (!signal?.aborted) throw error
  }
}
