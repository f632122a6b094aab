import { sha256Hex } from '@c2d/chain'
import { describe, expect, it } from '@jest/globals'
import { isPublishedDocument, parseDdo, stripCacheMembers } from './asset-document.ts'

const published = '{"@context":["x"],"id":"did:op:1","name":"Zähl","nested":{"b":1,"a":[2,null]}}'
const hash = `0x${sha256Hex(published)}`

/** What a cache answers: laid out its own way, with additions in between. */
const cached = JSON.stringify({ nft: { state: 0 }, ...(JSON.parse(published) as object), stats: {}, event: 1 }, null, 2)

describe('a cached document', () => {
  it('is the published one again without the additions of the cache', () => {
    const document = stripCacheMembers(cached)
    expect(document).toBe(published)
    expect(isPublishedDocument(document ?? '', hash.toUpperCase().replace('0X', '0x'))).toBe(true)
  })

  it('error: does not count after any change', () => {
    const changed = stripCacheMembers(cached.replace('"b": 1', '"b": 2')) ?? ''
    expect(isPublishedDocument(changed, hash)).toBe(false)
  })

  it.each([
    ['a list', '[]'],
    ['a text', '"x"'],
    ['null', 'null'],
    ['no JSON', '<html>'],
  ])('error: %s is none', (_name, text) => {
    expect(stripCacheMembers(text)).toBeNull()
    expect(parseDdo(text)).toBeNull()
  })
})

describe('a document', () => {
  const service = { id: 's', type: 'compute', datatokenAddress: `0x${'d'.repeat(40)}`, serviceEndpoint: 'http://p' }
  const written = (changes: object, compute?: object): string =>
    JSON.stringify({
      id: `did:op:${'a'.repeat(64)}`,
      chainId: 8996,
      nftAddress: `0x${'f'.repeat(40)}`,
      metadata: { type: 'dataset' },
      services: [{ ...service, files: '0x', timeout: 0, compute }],
      ...changes,
    })

  it('may write its credentials as JSON text', () => {
    const credentials = { deny: [{ type: 'address', values: ['0x1'] }] }
    expect(parseDdo(written({ credentials: JSON.stringify(credentials) }))).toMatchObject({ credentials })
    expect(parseDdo(written({}))?.credentials).toBeUndefined()
  })

  it('error: whose credentials are a text that nobody can read is none, so nobody is let in by mistake', () => {
    expect(parseDdo(written({ credentials: 'everybody' }))).toBeNull()
  })

  it('may trust an entry that names no algorithm: its start says so', () => {
    const publisherTrustedAlgorithms = [{ filesChecksum: 'f' }]
    const ddo = parseDdo(written({}, { publisherTrustedAlgorithms }))
    expect(ddo?.services[0]?.compute?.publisherTrustedAlgorithms).toEqual([{ did: '', filesChecksum: 'f' }])
  })
})
