import { describe, expect, it } from '@jest/globals'
import { decideGap } from './decide-gap.ts'

const LIMITS = { confirmations: 5 }
const GAP = { nonce: 7, sinceBlock: 100 }

describe('decideGap', () => {
  it.each([
    ['nothing under way waits for no nonce', { next: 7, waiting: null }, null],
    ['what has the next nonce waits for itself', { next: 7, waiting: 7 }, null],
    ['what waits behind a free nonce has a gap before it', { next: 7, waiting: 9 }, { ...GAP, isLasting: false }],
  ])('%s', (_what, nonces, expected) => {
    expect(decideGap({ ...nonces, latestBlock: 100 }, null, LIMITS)).toEqual(expected)
  })

  it('behaviour: a gap lasts when it was there for as many blocks as make others stay', () => {
    const look = (latestBlock: number) => decideGap({ next: 7, waiting: 9, latestBlock }, GAP, LIMITS)
    expect(look(104)).toEqual({ ...GAP, isLasting: false })
    expect(look(105)).toEqual({ ...GAP, isLasting: true })
  })

  it('behaviour: another gap is a new one; and no single look is enough, however few blocks it takes', () => {
    const seen = { next: 8, waiting: 9, latestBlock: 200 }
    expect(decideGap(seen, GAP, LIMITS)).toEqual({ nonce: 8, sinceBlock: 200, isLasting: false })
    expect(decideGap(seen, null, { confirmations: 0 })).toMatchObject({ isLasting: false })
  })
})
