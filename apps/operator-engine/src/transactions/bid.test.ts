import { describe, expect, it } from '@jest/globals'
import { bidPercent } from './bid.ts'

describe('bidPercent', () => {
  it('behaviour: each offer is a quarter better, and none is ever more than ten times what is usual', () => {
    expect([0, 1, 2, 3].map(bidPercent)).toEqual([100, 125, 156, 195])
    expect([11, 300, 100_000].map(bidPercent)).toEqual([1_000, 1_000, 1_000])
  })
})
