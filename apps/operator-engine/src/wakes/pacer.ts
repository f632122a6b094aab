/** Cuts a pause short: something to do came up before its end. */
export interface Pacer {
  /** Ends the pause that runs, or the next one before it begins. */
  hurry(): void
  /** Waits a pause, or less. */
  pause(ms: number, signal: AbortSignal): Promise<void>
}

/** A pause that can be cut short. */
export function createPacer(): Pacer {
  let isHurried = false
  let end: (() => void) | undefined
  return {
    hurry() {
      isHurried = true
      end?.()
    },
    async pause(ms, signal) {
      if (!isHurried && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          end = () => {
            clearTimeout(timer)
            resolve()
          }
          signal.addEventListener('abort', end, { once: true })
        })
        if (end) signal.removeEventListener('abort', end)
        end = undefined
      }
      isHurried = false
    },
  }
}
