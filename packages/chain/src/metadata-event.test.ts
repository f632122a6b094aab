import { describe, expect, it } from '@jest/globals'
import { dataNftInterface } from './abi.ts'
import { findLastMetadata, type MinedLog } from './metadata-event.ts'

const NFT = '0x1D5CEbD46Eb0a12013DbE1A66733AD39d410F061'
const FORGER = '0xA74847bf9cebD3696031dC8f0033CF9A009E66Bc'

function buildLog(url: string, change: Partial<MinedLog> = {}, flags = '0x02'): MinedLog {
  const hash = `0x${'AB'.repeat(32)}`
  const encoded = dataNftInterface.encodeEventLog('MetadataUpdated', [FORGER, 0, url, flags, '0x0102', hash, 1n, 1n])
  return { address: NFT, index: 0, blockNumber: 1, transactionHash: `0x${'11'.repeat(32)}`, ...encoded, ...change }
}
const lastUrl = (...logs: MinedLog[]) => findLastMetadata(logs, NFT.toLowerCase())?.event.decryptorUrl

describe('metadata events', () => {
  it('behaviour: an event is read with its hash in lower case and its flags as a number', () => {
    expect(findLastMetadata([buildLog('http://p')], NFT)?.event).toEqual({
      hash: `0x${'ab'.repeat(32)}`,
      flags: 2,
      data: Uint8Array.of(1, 2),
      decryptorUrl: 'http://p',
    })
  })

  it('behaviour: no flags are zero', () => {
    expect(findLastMetadata([buildLog('', {}, '0x')], NFT)?.event.flags).toBe(0)
  })

  it('behaviour: the last is last by block, then by position, in whatever order they come', () => {
    const first = buildLog('first', { blockNumber: 9, index: 7 })
    const second = buildLog('second', { blockNumber: 10, index: 1 })
    const third = buildLog('third', { blockNumber: 10, index: 2 })
    expect(lastUrl(third, first, second)).toBe('third')
    expect(lastUrl(second, first)).toBe('second')
  })

  it('error: what another contract emitted does not count', () => {
    expect(lastUrl(buildLog('forged', { address: FORGER, blockNumber: 99 }), buildLog('real'))).toBe('real')
    expect(lastUrl(buildLog('forged', { address: FORGER }))).toBeUndefined()
  })

  it('error: nothing published is null', () => {
    expect(findLastMetadata([], NFT)).toBeNull()
  })
})
