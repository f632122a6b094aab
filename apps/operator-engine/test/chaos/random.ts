/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  /** True in so many of a hundred cases. */
  chance(percent: number): boolean
  pick<T>(choices: readonly [T, ...T[]]): T
}

/** The mulberry32 generator: 32 bits of state, which is plenty for a schedule. @param seed any whole number */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    between,
    chance: (percent) => next() * 100 < percent,
    pick: (choices) => choices[between(0, choices.length - 1)] ?? choices[0],
  }
}
