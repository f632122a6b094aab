import { describe, expect, it } from '@jest/globals'
import { addressOf, checksumAddress, computeDid, sha256Hex } from './index.ts'

const NFT = '0x7358776DACe83a4b48E698645F32B043481daCBA'

describe('addresses and names', () => {
  it('behaviour: keys have the addresses of the reference', () => {
    expect(addressOf(`0x${'01'.repeat(32)}`)).toBe('0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1')
    expect(addressOf('02'.repeat(32))).toBe('0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c')
  })

  it('behaviour: an address is checksummed whatever its casing', () => {
    for (const given of [NFT, NFT.toLowerCase(), `0x${NFT.slice(2).toUpperCase()}`]) {
      expect(checksumAddress(given)).toBe(NFT)
    }
  })

  it.each(['', '0x', NFT.slice(2), NFT.slice(0, -1), `${NFT}0`, 'name.eth'])('error: %p is no address', (given) => {
    expect(() => checksumAddress(given)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }))
  })

  it('behaviour: a DID is that of the references, whatever the casing of the NFT', () => {
    const did = 'did:op:e16a777d1f146dba369cf98d212f34c17d9de516fcda5c9546076cf043ba6e37'
    expect(computeDid(NFT, 8996)).toBe(did)
    expect(computeDid(NFT.toLowerCase(), 8996)).toBe(did)
    expect(computeDid('0x1D5CEbD46Eb0a12013DbE1A66733AD39d410F061', 8996)).toBe(
      'did:op:f1a4a17ed223bbfc4f50751cf891c910e6c9753d8b086d6f18c951e661d62679',
    )
  })

  it('behaviour: a container section has the checksum of the reference, as text and as bytes', () => {
    const text = 'node $ALGOsha256:8221d20c1c16491d7d56b9657ea09082c0ee4a8ab1a6621fa720da58b09580e4'
    const checksum = 'a8f87b1d14fd8304fb7825da73790e5de47b218ff38e6d94b12fca75f0a8a48a'
    expect(sha256Hex(text)).toBe(checksum)
    expect(sha256Hex(Buffer.from(text))).toBe(checksum)
  })
})
