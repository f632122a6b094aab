import { describe, expect, it } from '@jest/globals'
import { createParts } from './parts.ts'

const MIB = 1024 ** 2

describe('parts', () => {
  it('behaviour: are handed out from the front, without gaps', () => {
    const parts = createParts(100)
    expect([parts.claim(40), parts.claim(40), parts.claim(40), parts.claim(40)]).toEqual([
      { at: 0, end: 40 },
      { at: 40, end: 80 },
      { at: 80, end: 100 },
      null,
    ])
    expect(parts.unclaimed()).toBe(0)
  })

  it('behaviour: grow as long as nobody has what comes next', () => {
    const parts = createParts(100)
    const first = parts.claim(10)!
    expect(parts.extend(first, 10)).toBe(true)
    expect(first.end).toBe(20)
    const second = parts.claim(10)!
    expect(parts.extend(first, 10)).toBe(false)
    expect(parts.extend(second, 1000)).toBe(true)
    expect(second.end).toBe(100)
    expect(parts.extend(second, 10)).toBe(false)
  })

  it('behaviour: what is given back goes to its neighbour, or to whoever asks next', () => {
    const parts = createParts(100)
    const first = parts.claim(10)!
    const second = parts.claim(10)!
    parts.giveBack(second)
    expect(parts.hasLeft()).toBe(true)
    expect(parts.extend(first, 10)).toBe(true)
    expect(first.end).toBe(20)
    expect(parts.hasLeft()).toBe(false)
    const third = parts.claim(10)!
    third.at += 3
    parts.giveBack(third)
    expect(parts.claim(50)).toMatchObject({ at: 23, end: 30 })
  })

  it('behaviour: one that was fetched to its end leaves nothing to give back', () => {
    const parts = createParts(10)
    const part = parts.claim(10)!
    part.at = 10
    parts.giveBack(part)
    expect(parts.hasLeft()).toBe(false)
  })

  it('behaviour: when all are taken, the one with most left is halved; little is left alone', () => {
    const parts = createParts(30 * MIB)
    const slow = parts.claim(20 * MIB)!
    const quick = parts.claim(10 * MIB)!
    quick.at = 30 * MIB
    parts.finish(quick)
    const helper = parts.claim(10 * MIB)!
    expect([slow, helper]).toEqual([
      { at: 0, end: 10 * MIB },
      { at: 10 * MIB, end: 20 * MIB },
    ])
    slow.at = 9 * MIB
    helper.at = 19 * MIB
    expect(parts.claim(10 * MIB)).toBeNull()
  })
})
