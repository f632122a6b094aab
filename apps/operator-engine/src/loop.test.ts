import { silentLogger, sleep } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import { createJobLoop, type JobLoop, type PassResult } from './loop.ts'

const options = { maxConcurrentPasses: 2, retryBaseMs: 1, retryMaxMs: 1_000, maxFailures: 3 }

function loopOf(
  pass: (jobId: string) => Promise<PassResult>,
  giveUp: (jobId: string) => Promise<void> = async () => {},
): JobLoop {
  return createJobLoop(options, { pass, giveUp, nowMs: Date.now, log: silentLogger })
}

const wait = { next: 'wait', untilMs: null } as const

describe('job loop', () => {
  it('never runs two passes of one job at once, and bounds all', async () => {
    let now = 0
    let most = 0
    const busy = new Set<string>()
    const loop = loopOf(async (jobId) => {
      expect(busy.has(jobId)).toBe(false)
      busy.add(jobId)
      most = Math.max(most, ++now)
      await sleep(2)
      now--
      busy.delete(jobId)
      return wait
    })
    for (let round = 0; round < 5; round++) {
      for (const jobId of ['a', 'b', 'c', 'd']) loop.wake(jobId)
      await sleep(1)
    }
    await sleep(50)
    expect(most).toBe(2)
    await loop.drain()
  })

  it('behaviour: a wake during a pass means one more pass, not many', async () => {
    let passes = 0
    const loop = loopOf(async () => {
      passes++
      await sleep(10)
      return wait
    })
    for (let wake = 0; wake < 10; wake++) loop.wake('a')
    await sleep(60)
    expect(passes).toBe(2)
  })

  it('behaviour: a settled job causes no passes', async () => {
    let passes = 0
    const loop = loopOf(async () => {
      passes++
      return wait
    })
    loop.wake('a')
    await sleep(30)
    expect(passes).toBe(1)
    expect(loop.held()).toEqual(['a'])
  })

  it('looks again when it was asked to', async () => {
    const at: number[] = []
    const loop = loopOf(async () => {
      at.push(Date.now())
      return at.length === 1 ? { next: 'wait', untilMs: Date.now() + 20 } : { next: 'drop' }
    })
    loop.wake('a')
    await sleep(80)
    expect(at).toHaveLength(2)
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(19)
    expect(loop.held()).toEqual([])
  })

  it('behaviour: what is due is looked at although all places are taken', async () => {
    const blocked = new AbortController()
    let passesOfDue = 0
    const loop = loopOf(async (jobId) => {
      if (jobId === 'due') {
        passesOfDue++
        return passesOfDue === 1 ? { next: 'wait', untilMs: Date.now() + 20 } : { next: 'drop' }
      }
      await sleep(60_000, blocked.signal)
      return { next: 'drop' }
    })
    loop.wake('due')
    await sleep(5)
    for (const jobId of ['slow', 'slower', 'waiting']) loop.wake(jobId)
    while (passesOfDue < 2) await sleep(5)
    expect(loop.held()).toEqual(['slow', 'slower', 'waiting'])
    blocked.abort()
    await loop.drain()
  })

  it('behaviour: nor does a wake before its time, which waits for a place, cost it that time', async () => {
    const blocked = new AbortController()
    let passesOfDue = 0
    const loop = loopOf(async (jobId) => {
      if (jobId === 'due') {
        passesOfDue++
        return passesOfDue === 1 ? { next: 'wait', untilMs: Date.now() + 40 } : { next: 'drop' }
      }
      await sleep(60_000, blocked.signal)
      return { next: 'drop' }
    })
    loop.wake('due')
    while (passesOfDue < 1) await sleep(1)
    for (const jobId of ['slow', 'slower']) loop.wake(jobId)
    loop.wakeAll()
    const giveUpAtMs = Date.now() + 10_000
    while (passesOfDue < 2 && Date.now() < giveUpAtMs) await sleep(5)
    expect(passesOfDue).toBe(2)
    blocked.abort()
    await loop.drain()
  })

  it('behaviour: nor does one that came during the pass which named the time', async () => {
    const blocked = new AbortController()
    const begun = new AbortController()
    let passesOfDue = 0
    const loop = loopOf(async (jobId) => {
      if (jobId === 'due') {
        passesOfDue++
        if (passesOfDue > 1) return { next: 'drop' }
        await sleep(60_000, begun.signal)
        return { next: 'wait', untilMs: Date.now() + 40 }
      }
      await sleep(60_000, blocked.signal)
      return { next: 'drop' }
    })
    for (const jobId of ['due', 'slow', 'slower']) loop.wake(jobId)
    loop.wake('due')
    begun.abort()
    const giveUpAtMs = Date.now() + 10_000
    while (passesOfDue < 2 && Date.now() < giveUpAtMs) await sleep(5)
    expect(passesOfDue).toBe(2)
    blocked.abort()
    await loop.drain()
  })

  it('behaviour: a pass during which its job was dropped, and taken again, asks for no pass of its own', async () => {
    const first = new AbortController()
    let begun = 0
    let now = 0
    let most = 0
    const loop = loopOf(async () => {
      begun++
      if (begun === 1) {
        await sleep(60_000, first.signal)
        return { next: 'wait', untilMs: Date.now() }
      }
      most = Math.max(most, ++now)
      await sleep(30)
      now--
      return wait
    })
    loop.wake('a')
    loop.drop('a')
    loop.wake('a')
    first.abort()
    await sleep(100)
    expect(most).toBe(1)
    expect(begun).toBe(2)
    await loop.drain()
  })

  it('error: a pass that fails is retried with pauses, given up once, and stops nobody else', async () => {
    let poisoned = 0
    let healthy = 0
    const givenUp: string[] = []
    const loop = loopOf(
      async (jobId) => {
        if (jobId === 'poisoned' && givenUp.length === 0) {
          poisoned++
          throw new Error('poison')
        }
        healthy++
        return { next: 'drop' }
      },
      async (jobId) => void givenUp.push(jobId),
    )
    loop.wake('poisoned')
    loop.wake('healthy')
    loop.wakeAll()
    await sleep(150)
    expect(givenUp).toEqual(['poisoned'])
    expect(poisoned).toBe(3)
    expect(healthy).toBe(2)
  })

  it('behaviour: drain lets a running pass end and begins no other', async () => {
    let begun = 0
    let done = 0
    const loop = loopOf(async () => {
      begun++
      await sleep(20)
      done++
      return { next: 'again' }
    })
    loop.wake('a')
    await sleep(5)
    await loop.drain()
    await sleep(40)
    expect([begun, done]).toEqual([1, 1])
  })
})
