/** When to try again what failed, one thing at a time: what cannot be done must not keep what can from being done. */
export interface Patience {
  /** What is not to be tried yet. */
  waiting(): string[]
  /** What failed and is not done, whether it is to be tried or not. */
  known(): string[]
  /** It failed: the pause doubles each time. */
  failed(id: string): void
  /** It is done, by whomever. */
  done(id: string): void
}

/** Beyond this many pauses nobody asks after it any more: it was done elsewhere. */
const FORGOTTEN_AFTER = 4

/** A hint of this process, lost with it: the next one simply tries everything once. */
export function createPatience(
  options: { firstMs: number; longestMs: number },
  deps: { nowMs: () => number },
): Patience {
  const failures = new Map<string, { count: number; untilMs: number }>()
  return {
    waiting() {
      const now = deps.nowMs()
      for (const [id, { untilMs }] of failures) {
        if (now - untilMs > FORGOTTEN_AFTER * options.longestMs) failures.delete(id)
      }
      return [...failures].flatMap(([id, { untilMs }]) => (untilMs > now ? [id] : []))
    },
    known: () => [...failures.keys()],
    failed(id) {
      const count = (failures.get(id)?.count ?? 0) + 1
      const pauseMs = Math.min(options.firstMs * 2 ** (count - 1), options.longestMs)
      failures.set(id, { count, untilMs: deps.nowMs() + pauseMs })
    },
    done(id) {
      failures.delete(id)
    },
  }
}
