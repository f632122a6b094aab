import { describe, expect, it } from '@jest/globals'
import { chooseLanes, choosePartBytes, type Flow } from './choose-lanes.ts'

const MIB = 1024 ** 2
const flow = (over: Partial<Flow>): Flow => ({
  lanes: 1,
  maxLanes: 16,
  bytesPerSecond: 50e6,
  unclaimedBytes: 2048 * MIB,
  isProven: true,
  ...over,
})

describe('connections of a file', () => {
  it.each([
    ['one is enough where it is fast', { bytesPerSecond: 900e6 }, 1],
    ['a second one goes ahead alone', { isProven: false }, 2],
    ['as many as allowed make up for a slow origin', {}, 16],
    ['no more than help', { bytesPerSecond: 200e6 }, 5],
    ['no more than there is left to fetch', { unclaimedBytes: 9 * MIB }, 3],
    ['none is added where nothing is left', { unclaimedBytes: 0 }, 1],
    ['none is taken away', { lanes: 8, bytesPerSecond: 1600e6, unclaimedBytes: 0 }, 8],
    ['an origin that sends nothing yet is asked by more', { bytesPerSecond: 0 }, 16],
    ['never more than allowed', { maxLanes: 4 }, 4],
  ])('behaviour: %s', (_what, over, lanes) => {
    expect(chooseLanes(flow(over))).toBe(lanes)
  })

  it('behaviour: parts are some of a second, within bounds', () => {
    expect([0, 50e6, 1e12].map(choosePartBytes)).toEqual([4 * MIB, 20e6, 32 * MIB])
  })
})
