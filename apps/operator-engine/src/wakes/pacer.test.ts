import { describe, expect, it } from '@jest/globals'
import { createPacer } from './pacer.ts'

const FOREVER_MS = 2 ** 30

describe('pacer', () => {
  it('waits its pause', async () => {
    await createPacer().pause(1, new AbortController().signal)
  })

  it('behaviour: hurrying ends a pause, also the one that has not begun', async () => {
    const pacer = createPacer()
    const { signal } = new AbortController()
    const pausing = pacer.pause(FOREVER_MS, signal)
    pacer.hurry()
    await pausing
    pacer.hurry()
    await pacer.pause(FOREVER_MS, signal)
    await expect(
      Promise.race([pacer.pause(FOREVER_MS, signal).then(() => 'ended'), Promise.resolve('waits')]),
    ).resolves.toBe('waits')
    pacer.hurry()
  })

  it('ends with its signal', async () => {
    const stopping = new AbortController()
    const pausing = createPacer().pause(FOREVER_MS, stopping.signal)
    stopping.abort()
    await pausing
    await createPacer().pause(FOREVER_MS, stopping.signal)
  })
})
