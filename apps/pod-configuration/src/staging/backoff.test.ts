import { describe, expect, it } from '@jest/globals'
import { pauseBeforeRetry } from './backoff.ts'

const policy = { maxFruitless: 5, maxFailures: 100, pauseMs: 100, maxPauseMs: 1_000 }
const pause = (fruitless: number, waitMs: number | null, random: number): number =>
  pauseBeforeRetry(fruitless, waitMs, policy, () => random)

describe('the pause before another try', () => {
  it('behaviour: doubles up to the longest, and lies anywhere in its upper half', () => {
    expect([1, 2, 3, 4, 5, 99].map((tries) => pause(tries, null, 1))).toEqual([100, 200, 400, 800, 1_000, 1_000])
    expect([1, 5].map((tries) => pause(tries, null, 0))).toEqual([50, 500])
  })

  it('behaviour: keeps to what the origin asks for, within the longest', () => {
    expect(pause(1, 700, 1)).toBe(700)
    expect(pause(5, 700, 1)).toBe(1_000)
    expect(pause(1, 3_600_000, 1)).toBe(1_000)
  })
})
