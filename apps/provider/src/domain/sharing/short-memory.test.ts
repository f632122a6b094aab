import { describe, expect, it } from '@jest/globals'
import { createShortMemory } from './short-memory.ts'

/** A memory on a clock of its own, and a source that counts. */
function remembering(ttlMs: number, maxEntries = 10) {
  let nowMs = 0
  let loads = 0
  const memory = createShortMemory<number>({ ttlMs, maxEntries }, () => nowMs)
  return {
    pass: (ms: number) => (nowMs += ms),
    ask: (key = 'key') => memory.get(key, () => Promise.resolve(++loads)),
    fail: () => memory.get('key', () => Promise.reject(new Error('no'))),
  }
}

describe('the short memory', () => {
  it('gives an answer again until its time is up', async () => {
    const { ask, pass } = remembering(100)
    expect([await ask(), await ask()]).toEqual([1, 1])
    pass(99)
    expect(await ask()).toBe(1)
    pass(1)
    expect(await ask()).toBe(2)
  })

  it('lets callers that come meanwhile share one load', async () => {
    const { ask } = remembering(100)
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1])
  })

  it('keeps keys apart, and the newest of too many', async () => {
    const { ask } = remembering(100, 2)
    expect([await ask('a'), await ask('b'), await ask('c'), await ask('c'), await ask('a')]).toEqual([1, 2, 3, 3, 4])
  })

  it('error: does not remember failures', async () => {
    const { ask, fail } = remembering(100)
    await expect(fail()).rejects.toThrow('no')
    expect(await ask()).toBe(1)
  })

  it('behaviour: remembers nothing without a time', async () => {
    const { ask } = remembering(0)
    expect([await ask(), await ask()]).toEqual([1, 2])
  })
})
