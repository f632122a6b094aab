import { describe, expect, it } from '@jest/globals'
import { createPartBuffers } from './part-buffers.ts'

const MIB = 1024 ** 2

describe('buffers of parts', () => {
  it('behaviour: are used again', async () => {
    const buffers = createPartBuffers({ maxBytes: 8 * MIB })
    const first = await buffers.borrow(3 * MIB + 1)
    expect(first).toHaveLength(4 * MIB)
    buffers.giveBack(first)
    expect(await buffers.borrow(4 * MIB)).toBe(first)
    expect(await buffers.borrow(4 * MIB)).not.toBe(first)
  })

  it('behaviour: beyond the limit one waits for its turn, in the order of asking', async () => {
    const buffers = createPartBuffers({ maxBytes: 8 * MIB })
    const [a, b] = [await buffers.borrow(4 * MIB), await buffers.borrow(4 * MIB)]
    const served: string[] = []
    const large = buffers.borrow(8 * MIB).then((buffer) => {
      served.push('large')
      buffers.giveBack(buffer)
    })
    const small = buffers.borrow(1).then(() => served.push('small'))
    buffers.giveBack(a)
    await new Promise(setImmediate)
    expect(served).toEqual([]) // there is room for the small one, and the large one came first
    buffers.giveBack(b)
    await Promise.all([large, small])
    expect(served).toEqual(['large', 'small'])
  })

  it('behaviour: one that is larger than all is lent alone', async () => {
    const buffers = createPartBuffers({ maxBytes: MIB })
    const huge = await buffers.borrow(16 * MIB)
    let isServed = false
    const next = buffers.borrow(1).then(() => (isServed = true))
    await new Promise(setImmediate)
    expect(isServed).toBe(false)
    buffers.giveBack(huge)
    await next
  })

  it('behaviour: one that somebody may still read from is not given to another', async () => {
    const buffers = createPartBuffers({ maxBytes: MIB })
    const doubtful = await buffers.borrow(MIB)
    buffers.giveBack(doubtful, { reuse: false })
    expect(await buffers.borrow(MIB)).not.toBe(doubtful)
  })
})
