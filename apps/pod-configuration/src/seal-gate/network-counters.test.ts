import { describe, expect, it } from '@jest/globals'
import { parseNetworkCounters } from './network-counters.ts'

describe('parseNetworkCounters', () => {
  it('finds the counters by their names, as kernels list different ones', () => {
    const text = `Icmp: InMsgs InErrors\nIcmp: 3 0\nTcp: RtoMin InSegs OutSegs\nTcp: 200 14 26\nUdp: InDatagrams NoPorts\nUdp: 2 1\n`
    expect(parseNetworkCounters(text)).toEqual({ tcpSegmentsIn: 14, udpDatagramsIn: 2 })
  })

  it.each(['', 'Tcp: InSegs\n', 'Tcp: InSegs\nTcp: x\nUdp: InDatagrams\nUdp: 1\n'])(
    'error: %j says nothing',
    (text) => {
      expect(parseNetworkCounters(text)).toBeNull()
    },
  )
})
