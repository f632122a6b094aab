import { describe, expect, it } from '@jest/globals'
import { createSpaceBudget } from './space-budget.ts'

const MIB = 1024 ** 2

/** A volume that shows what is really written. */
function volume(freeMiB: number, maxBytes: number | null = null) {
  const state = { free: freeMiB * MIB, asked: 0 }
  const freeBytes = () => {
    state.asked += 1
    return Promise.resolve(state.free)
  }
  return { state, budget: createSpaceBudget({ maxBytes }, { freeBytes }) }
}

describe('the room of a volume', () => {
  it('error: what was promised to one file is not promised to another', async () => {
    const { budget } = volume(108)
    await budget.reserve().grow(60 * MIB)
    await expect(budget.reserve().grow(60 * MIB)).rejects.toMatchObject({ reason: 'InputTooLarge' })
  })

  it('behaviour: what is written is counted once', async () => {
    const { budget, state } = volume(108)
    const first = budget.reserve()
    await first.grow(50 * MIB)
    first.wrote(50 * MIB)
    state.free -= 50 * MIB
    await budget.reserve().grow(49 * MIB)
  })

  it('behaviour: what was given up is free again, in the limit of the job too', async () => {
    const { budget } = volume(108, 60 * MIB)
    const first = budget.reserve()
    await first.grow(50 * MIB)
    await expect(budget.reserve().grow(11 * MIB)).rejects.toMatchObject({ reason: 'InputTooLarge' })
    first.release('removed')
    await budget.reserve().grow(60 * MIB)
  })

  it('behaviour: what was kept stays counted in the limit of the job', async () => {
    const { budget } = volume(1000, 60 * MIB)
    const first = budget.reserve()
    await first.grow(50 * MIB)
    first.release('kept')
    await expect(budget.reserve().grow(11 * MIB)).rejects.toMatchObject({ reason: 'InputTooLarge' })
  })

  it('behaviour: with plenty of room small files do not ask the volume each', async () => {
    const { budget, state } = volume(5_000)
    for (let file = 0; file < 100; file++) await budget.reserve().grow(MIB)
    expect(state.asked).toBe(1)
  })
})
