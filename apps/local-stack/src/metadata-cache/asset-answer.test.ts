import { describe, expect, it } from '@jest/globals'
import { buildAssetText, isoTime, type AssetFacts } from './asset-answer.ts'

const facts: AssetFacts = {
  nft: { address: '0xN', name: 'n', symbol: 's', tokenURI: '', owner: '0xO', state: 0, created: '2026-01-01T00:00:00' },
  datatokens: [{ address: '0xD', name: 'd', symbol: 'D', serviceId: 'one' }],
  event: { txid: '0xT', block: 7, from: '0xP', contract: '0xN', datetime: '2026-01-01T00:00:00' },
  stats: { orders: 2, price: { value: 0 } },
}

describe('the answer for an asset', () => {
  it('behaviour: keeps the text of the document, which a re-serialised parse would not', () => {
    const text = '{ "2": "b", "1": "a", "price": 1.0, "id": "did:op:1" }\n'
    expect(buildAssetText(text, facts)).toMatch(/^\{ "2": "b", "1": "a", "price": 1\.0, "id": "did:op:1" ,"nft":/)
  })

  it('behaviour: adds what the chain knows', () => {
    expect(JSON.parse(buildAssetText('{"id":"did:op:1"}', facts))).toEqual({ id: 'did:op:1', ...facts })
  })

  it('behaviour: members of the same names in the document do not pass for the cache’s', () => {
    const asset = JSON.parse(buildAssetText('{"id":"did:op:1","nft":{"owner":"0xFORGED"}}', facts)) as AssetFacts
    expect(asset.nft.owner).toBe('0xO')
  })

  it('writes times in UTC, in whole seconds', () => {
    expect(isoTime(1_700_000_000)).toBe('2023-11-14T22:13:20')
  })
})
