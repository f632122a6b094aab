import { silentLogger } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import { repeat } from './repeat.ts'

describe('repeat', () => {
  it('behaviour: a round that fails does not end the others', async () => {
    const stopping = new AbortController()
    let rounds = 0
    const round = async (): Promise<void> => {
      rounds += 1
      if (rounds === 4) stopping.abort()
      if (rounds % 2 === 0) throw new Error('no database')
    }
    await repeat({ what: 'test', everyMs: 1, signal: stopping.signal }, round, silentLogger)
    expect(rounds).toBe(4)
  })
})
