import { text } from 'node:stream/consumers'
import type { FileObject } from '@c2d/contracts'
import { createGuardedFetch } from '@c2d/http-kit'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openSource } from '../../src/open-source.ts'
import { probeSource } from '../../src/probe-source.ts'
import type { SourceOptions } from '../../src/source.ts'
import { serveFile, startOrigin, type Origin } from './support/origin.ts'
import { s3SignatureOf } from './support/s3-signature.ts'
import { CID, HTTP_KINDS, S3_SECRET, TRANSACTION_ID } from './support/source-kinds.ts'

let origin: Origin
beforeEach(async () => {
  origin = await startOrigin()
})
afterEach(() => origin.close())

function options(over: Partial<SourceOptions> = {}): SourceOptions {
  const fetch = createGuardedFetch({ allowList: [origin.authority], timeoutMs: 10_000 })
  return { fetch, gateways: { ipfs: origin.base, arweave: origin.base }, ...over }
}

/** Opens a file to its end; what the origin was asked, with the answer. */
async function ask(file: FileObject, over: Partial<SourceOptions> = {}) {
  const source = await openSource(file, options(over))
  await text(source.body)
  return { source, request: origin.requests.at(-1)! }
}

const ipfs = (over: object = {}): FileObject => ({ type: 'ipfs', hash: CID, ...over })
const arweave = (over: object = {}): FileObject => ({ type: 'arweave', transactionId: TRANSACTION_ID, ...over })
const url = (over: object = {}): FileObject => ({ type: 'url', url: `${origin.base}/wages.csv`, ...over })
const graphql = (over: object = {}): FileObject => ({
  type: 'graphql',
  url: `${origin.base}/graphql`,
  query: 'query($year: Int) { wages(year: $year) }',
  ...over,
})

describe('what an origin is asked', () => {
  const userdata = { year: 1985, city: 'a&b' }
  it.each([
    ['an address', () => url(), 'GET', '/wages.csv?year=1985&city=a%26b', ''],
    ['an address by POST', () => url({ method: 'POST' }), 'POST', '/wages.csv', JSON.stringify(userdata)],
    ['IPFS', () => ipfs(), 'GET', `/ipfs/${CID}?year=1985&city=a%26b`, ''],
    ['Arweave', () => arweave(), 'GET', `/${TRANSACTION_ID}?year=1985&city=a%26b`, ''],
    [
      'GraphQL',
      () => graphql(),
      'POST',
      '/graphql',
      JSON.stringify({ query: 'query($year: Int) { wages(year: $year) }', variables: userdata }),
    ],
  ])("with a consumer's parameters, for %s", async (_type, file, method, path, body) => {
    for (const given of [userdata, JSON.stringify(userdata)]) {
      const { request } = await ask(file(), { userdata: given })
      expect(request).toMatchObject({ method, url: path, body })
      if (body !== '') expect(request.headers['content-type']).toBe('application/json')
    }
  })

  it.each([
    ['an address', () => url(), '/wages.csv', ''],
    ['an address by POST', () => url({ method: 'POST' }), '/wages.csv', ''],
    ['IPFS', () => ipfs(), `/ipfs/${CID}`, ''],
    ['Arweave', () => arweave(), `/${TRANSACTION_ID}`, ''],
    ['GraphQL', () => graphql({ query: '{ a }' }), '/graphql', '{"query":"{ a }"}'],
  ])('without any, for %s', async (_type, file, path, body) => {
    expect((await ask(file())).request).toMatchObject({ url: path, body })
  })

  it('error: parameters that do not decode are refused where they are the question, and dropped elsewhere', async () => {
    await expect(ask(graphql(), { userdata: '{"year":' })).rejects.toMatchObject({ code: 'InvalidRequest' })
    expect(origin.requests).toEqual([])
    expect((await ask(url(), { userdata: '{"year":' })).request.url).toBe('/wages.csv')
  })

  it.each([
    ['an address', url],
    ['IPFS', ipfs],
    ['Arweave', arweave],
    ['GraphQL', graphql],
  ])("with the publisher's headers, for %s", async (_type, file) => {
    const headers = { Authorization: 'Bearer p', 'X-Api-Key': 'k', 'CONTENT-TYPE': 'application/graphql+json' }
    const { request } = await ask(file({ headers }))
    expect(request.headers).toMatchObject({
      authorization: 'Bearer p',
      'x-api-key': 'k',
      'content-type': 'application/graphql+json',
    })
  })

  it('error: a header that cannot be sent is a file that cannot be had', async () => {
    const file = url({ headers: { 'X-A': 'a\r\nX-B: b' } })
    await expect(ask(file)).rejects.toMatchObject({ code: 'FilesUnavailable' })
    expect(origin.requests).toEqual([])
  })

  it('behaviour: a name and password in the address become the header they stand for', async () => {
    const { request } = await ask(url({ url: `${origin.base.replace('//', '//user:p%40ss@')}/wages.csv` }))
    expect(request.headers.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`)
  })

  it("behaviour: a range of the publisher wins over the client's, and such a file is valid", async () => {
    origin.serve(serveFile(Buffer.from('0123456789'), { etag: '"1"', contentType: 'text/plain' }))
    const file = url({ headers: { rAnGe: 'bytes=2-4' } })
    const { source, request } = await ask(file, { range: 'bytes=0-9', ifRange: '"0"' })
    expect(source).toMatchObject({ status: 206, contentRange: 'bytes 2-4/10' })
    expect(request.headers).toMatchObject({ range: 'bytes=2-4' })
    expect(request.headers).not.toHaveProperty('if-range')
    const info = await probeSource(file, 0, { ...options(), checksum: true, maxChecksumBytes: 100 })
    expect(info).toMatchObject({ valid: true, contentLength: '3' })
  })

  it('for S3: what arrives carries the signature its server works out, ranged or not', async () => {
    const { file, settings } = HTTP_KINDS.find(({ title }) => title === 'private s3')!
    for (const range of [undefined, 'bytes=0-3']) {
      const { request } = await ask(file(origin.base), { ...settings(origin.base), range, userdata: { a: 1 } })
      expect(request).toMatchObject({ method: 'GET', url: '/data/folder/wages%201985.csv?x-id=GetObject' })
      expect(request.headers.authorization).toContain(`Signature=${s3SignatureOf(request, S3_SECRET)}`)
      expect(request.headers.range).toBe(range)
    }
  })
})

describe('gateways', () => {
  it.each([
    ['version 0', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'],
    ['version 1', CID],
    ['version 1 in base58', 'zdj7WhuEjrB52m1BisYCtmjH1hSKa7yZ3jEZ9JcXaFRD51wVz'],
    ['version 1 in base36', 'k2jmtxseqhwgqtkuh7ud7xuvj6j2ycvm3e8qlhsu6l5pbjhh1w4sxjvo'],
    ['version 1 in hex', 'f01701220c3c4733ec8affd06cf9e9ff50ffc6bcd2ec85a6170004bb709669c31de94391a'],
    ['a file below one', `${CID}/folder/wages.csv`],
  ])('are asked for CIDs (%s)', async (_form, hash) => {
    expect((await ask(ipfs({ hash }))).request.url).toBe(`/ipfs/${hash}`)
  })

  const HOSTILE = [
    'https://evil.example/x',
    '//evil.example',
    '../x',
    '?a=1',
    '#a',
    '%2e%2e',
    '.',
    'x',
    '@evil.example',
    '/',
  ]
  it.each([
    ...HOSTILE.map((text) => ipfs({ hash: text })),
    ...['/..', '?a=1', '#a', '/%2e%2e/%2e%2e/admin', '\\..'].map((tail) => ipfs({ hash: `${CID}${tail}` })),
    ...HOSTILE.map((text) => arweave({ transactionId: text })),
    ...['/..', '?a=1', '#a', 'x'].map((tail) => arweave({ transactionId: `${TRANSACTION_ID}${tail}` })),
  ])('error: are never left (%j)', async (file) => {
    await expect(ask(file)).rejects.toMatchObject({ code: 'FilesUnavailable' })
    const info = await probeSource(file, 0, { ...options(), checksum: false, maxChecksumBytes: 0 })
    expect(info).toEqual({ index: 0, type: file.type, valid: false })
    expect(origin.requests).toEqual([])
  })

  it.each([
    [ipfs(), 'No IPFS_GATEWAY defined, can not resolve ipfs hash.'],
    [arweave(), 'No ARWEAVE_GATEWAY defined, can not resolve arweave transaction id.'],
  ])('error: are asked for where there are none ($type)', async (file, detail) => {
    await expect(ask(file, { gateways: undefined })).rejects.toMatchObject({ code: 'UpstreamUnavailable', detail })
  })

  it('behaviour: parameters of a consumer do not replace a key of the gateway', async () => {
    const gateways = { ipfs: `${origin.base}/?key=ours` }
    const { request } = await ask(ipfs(), { gateways, userdata: { key: 'theirs', year: 1 } })
    expect(request.url).toBe(`/ipfs/${CID}?key=ours&year=1`)
  })
})

describe('names', () => {
  const NAMED = `attachment; filename="${CID.toUpperCase()}.bin"`
  it.each([
    [
      'the last part of an address, without its query',
      () => url({ url: `${origin.base}/a/b.csv?key=k` }),
      'b.csv',
      'b.csv',
    ],
    ['the last part below a CID', () => ipfs({ hash: `${CID}/wages%201985.csv` }), 'wages 1985.csv', 'wages 1985.csv'],
    ['never the CID', () => ipfs(), 'file', 'file.json'],
    ['never the transaction, and none in a probe', () => arweave(), 'file', ''],
    ['nothing of the endpoint of a query', () => graphql(), 'file', 'file.json'],
  ])('are %s', async (_what, file, name, probedName) => {
    const disposition = file().type === 'ipfs' ? { 'Content-Disposition': NAMED } : {}
    origin.serve((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', ...disposition }).end('{}')
    })
    const { source } = await ask(file())
    const info = await probeSource(file(), 0, { ...options(), checksum: false, maxChecksumBytes: 0 })
    expect([source.filename, info.filename]).toEqual([name, probedName])
  })
})
