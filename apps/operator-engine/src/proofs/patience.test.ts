import { describe, expect, it } from '@jest/globals'
import { createPatience } from './patience.ts'

describe('createPatience', () => {
  it('behaviour: what failed waits, longer each time up to a limit; what is done does not', () => {
    let now = 0
    const patience = createPatience({ firstMs: 10, longestMs: 35 }, { nowMs: () => now })
    expect(patience.waiting()).toEqual([])
    for (const pause of [10, 20, 35, 35]) {
      patience.failed('a')
      now += pause - 1
      expect(patience.waiting()).toEqual(['a'])
      now += 1
      expect(patience.waiting()).toEqual([])
    }
    patience.failed('a')
    patience.failed('b')
    patience.done('a')
    expect(patience.waiting()).toEqual(['b'])
    now += 35
    expect([patience.waiting(), patience.known()]).toEqual([[], ['b']])
  })

  it('behaviour: what nobody asks after any more is forgotten, so its next failure is a first one', () => {
    let now = 0
    const patience = createPatience({ firstMs: 10, longestMs: 40 }, { nowMs: () => now })
    patience.failed('a')
    patience.failed('a')
    now += 20 + 4 * 40 + 1
    expect(patience.waiting()).toEqual([])
    patience.failed('a')
    now += 10
    expect(patience.waiting()).toEqual([])
  })
})
