/** Who moved: told to listeners once each, however often it is said before they look. */
export interface Moves {
  /** Says that a job moved in a way that `changes` tells. */
  tell(jobId: string): void
  /** Says that anything of a job changed. */
  stir(jobId: string): void
  /** The jobs that move from now on; ends with the signal. */
  follow(signal: AbortSignal): AsyncGenerator<string>
  /** Resolves at the next change of a job, or after that many milliseconds. */
  next(jobId: string, timeoutMs: number): Promise<void>
}

/** A place where moves are told and awaited. */
export function createMoves(): Moves {
  const listeners = new Set<(jobId: string) => void>()
  const waiting = new Map<string, Set<() => void>>()
  return {
    tell(jobId) {
      for (const listen of listeners) listen(jobId)
    },
    stir(jobId) {
      for (const wake of waiting.get(jobId) ?? []) wake()
    },
    async *follow(signal) {
      const moved = new Set<string>()
      let wake: () => void = () => undefined
      const listen = (jobId: string): void => {
        moved.add(jobId)
        wake()
      }
      const end = (): void => wake()
      listeners.add(listen)
      signal.addEventListener('abort', end, { once: true })
      try {
        while (!signal.aborted) {
          if (moved.size === 0) await new Promise<void>((resolve) => (wake = resolve))
          const batch = [...moved]
          moved.clear()
          yield* batch
        }
      } finally {
        listeners.delete(listen)
        signal.removeEventListener('abort', end)
      }
    },
    async next(jobId, timeoutMs) {
      const wakes = waiting.get(jobId) ?? new Set()
      waiting.set(jobId, wakes)
      let timer: NodeJS.Timeout | undefined
      let wake: (() => void) | undefined
      await new Promise<void>((resolve) => {
        wake = resolve
        wakes.add(resolve)
        timer = setTimeout(resolve, timeoutMs)
      })
      clearTimeout(timer)
      if (wake) wakes.delete(wake)
      if (wakes.size === 0) waiting.delete(jobId)
    },
  }
}
