/** Answers that may be given again for a moment. */
export interface ShortMemory<T> {
  /** The answer remembered for this key, else what `load` gives; callers that come meanwhile share one load. */
  get(key: string, load: () => Promise<T>): Promise<T>
}

/**
 * Remembers answers briefly; failures are never remembered.
 * @param options.ttlMs how long; 0 remembers nothing
 * @param options.maxEntries the oldest go first
 * @param now milliseconds of any steady clock
 */
export function createShortMemory<T>(
  options: { ttlMs: number; maxEntries: number },
  now: () => number = () => performance.now(),
): ShortMemory<T> {
  const entries = new Map<string, { answer: Promise<T>; until: number }>()

  // Every entry lives equally long, so the map's order is the order in which they end.
  function forget(): void {
    for (const [key, { until }] of entries) {
      if (until > now() && entries.size < options.maxEntries) return
      entries.delete(key)
    }
  }

  return {
    get(key, load) {
      const known = entries.get(key)
      if (known && known.until > now()) return known.answer
      entries.delete(key)
      if (options.ttlMs === 0) return load()
      forget()
      const answer = load()
      const entry = { answer, until: now() + options.ttlMs }
      entries.set(key, entry)
      answer.catch(() => {
        if (entries.get(key) === entry) entries.delete(key)
      })
      return answer
    },
  }
}
