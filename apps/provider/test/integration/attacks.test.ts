import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { ask, buildStart, feeOf, nextNonce, query, send, type Answer } from './support/api.ts'
import { startHttpStub, type HttpStub } from './support/http-stub.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

jest.setTimeout(300_000)

/** Names an origin may give a file, to get something else into a header or a folder. */
const EVIL_NAMES = [
  'a\r\nSet-Cookie: stolen=1.csv',
  'a%0d%0aSet-Cookie:%20stolen=1.csv',
  'a%0D%0A%0D%0A<script>.html',
  '..%2f..%2f..%2fetc%2fpasswd',
  '..%5c..%5cwindows',
  '%2e%2e',
  '.',
  'a%00b.csv',
  '%e2%80%ae%66%64%70.exe',
  'Zoë.csv',
  'a".csv',
  'a;filename=b.sh',
  'key=1.csv?apikey=hidden-key',
]

let stack: Stack
let origin: HttpStub
let asset: PublishedAsset
let tx: string
/** Downloads that the origin lets wait. */
const waiting: (() => void)[] = []

beforeAll(async () => {
  origin = await startHttpStub(({ path }, response) => {
    if (path === '/slow') waiting.push(() => response.end('at last'))
    else if (path === '/drip') {
      response.writeHead(200, { 'Content-Length': '10' }).write('first')
      waiting.push(() => response.end(' last'))
    } else if (path === '/named') {
      const disposition =
        'attachment; filename="../../x\u0009y; z.sh"; filename*=UTF-8\'\'..%2F..%2Fetc%2Fpasswd%0d%0aA:b'
      response.writeHead(200, { 'Content-Disposition': disposition, 'Set-Cookie': 'origin=1', 'X-Inner': 'y' }).end('x')
    } else response.end('x')
  })
  const fetch = openOriginFetch({ allowList: [origin.host], timeoutMs: 60_000 })
  stack = await startStack({ requestTimeoutMs: 60_000 }, { fetch })
  const urls = ['/slow', '/drip', '/named', ...EVIL_NAMES.map((name) => `/${name}`)].map((path) => origin.url + path)
  asset = await stack.publish({
    type: 'algorithm',
    serviceType: 'access',
    files: urls.map((url) => ({ type: 'url', url, method: 'GET' })),
  })
  const { did: documentId, serviceId, datatoken } = asset
  const consumer = stack.consumer.address
  const quoted = await query(stack, 'GET', '/api/services/initialize', {
    documentId,
    serviceId,
    consumerAddress: consumer,
  })
  tx = await stack.consumer.startOrder(datatoken, { consumer, fee: feeOf(quoted.json as Quote) })
})
afterAll(async () => {
  waiting.forEach((finish) => finish())
  await stack.close()
  await origin.close()
})

const downloadUrl = (fileIndex: number, nonce = nextNonce()): string =>
  '/api/services/download?' +
  new URLSearchParams({
    documentId: asset.did,
    serviceId: asset.serviceId,
    consumerAddress: stack.consumer.address,
    transferTxId: tx,
    fileIndex: String(fileIndex),
    nonce,
    signature: signMessage(asset.did + nonce, stack.consumer.key),
  }).toString()
const download = (fileIndex: number, nonce?: string): Promise<Answer> =>
  ask(stack, 'GET', downloadUrl(fileIndex, nonce))

describe('attacks', () => {
  it.each([
    'did:op:../../../etc/passwd',
    'did:op:..%2f..%2fadmin',
    `did:op:${'0'.repeat(63)}/`,
    `did:op:${'0'.repeat(64)}?x=y`,
    `did:op:${'0'.repeat(64)}#`,
    `did:op:${'0'.repeat(64)}/../../metadata`,
    'did:op:@127.0.0.1/',
    'http://127.0.0.1/',
    '//127.0.0.1',
    `did:op:${'0'.repeat(64)}\r\nHost: inside`,
  ])('error: %j as a DID never leaves for the cache', async (documentId) => {
    const before = stack.cache.seen.length
    const consumerAddress = stack.consumer.address
    const nonce = nextNonce()
    const signature = signMessage(documentId + nonce, stack.consumer.key)
    const run = {
      environment: 'free',
      dataset: { documentId, serviceId: 'a', transferTxId: tx },
      algorithm: { documentId, serviceId: 'a', transferTxId: tx },
    }
    const answers = await Promise.all([
      query(stack, 'GET', '/api/services/download', {
        ...run.dataset,
        fileIndex: '0',
        consumerAddress,
        nonce,
        signature,
      }),
      send(stack, 'POST', '/api/services/compute', buildStart(run, stack.consumer)),
      query(stack, 'GET', '/api/services/initialize', { documentId, serviceId: 'a', consumerAddress }),
      send(stack, 'POST', '/api/services/fileinfo', { did: documentId, serviceId: 'a' }),
      send(stack, 'POST', '/api/services/initializeCompute', {
        datasets: [{ documentId, serviceId: 'a' }],
        algorithm: { documentId, serviceId: 'a' },
        compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 300 },
        consumerAddress,
      }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400])
    const explained = await send(stack, 'POST', '/api/services/compute/explain', { ...run, consumerAddress })
    expect(explained.json).toMatchObject({ allowed: false })
    expect(stack.cache.seen.slice(before)).toEqual([])
  })

  describe('names of files', () => {
    it.each([...EVIL_NAMES.keys()])('error: name %# stays one harmless name in one header', async (index) => {
      const answer = await download(3 + index)
      const disposition = answer.headers.get('content-disposition') ?? ''
      expect([answer.status, answer.text]).toEqual([200, 'x'])
      expect(disposition).toMatch(/^attachment;filename=[\x20-\x7e]+$/)
      expect(disposition.slice('attachment;filename='.length)).not.toMatch(/[/\\]|^\.\.?$|hidden-key/)
      expect([answer.headers.get('set-cookie'), answer.headers.get('x-content-type-options')]).toEqual([
        null,
        'nosniff',
      ])
    })

    it('error: nor does a name that the origin tells, nor its other headers', async () => {
      const answer = await download(2)
      const disposition = answer.headers.get('content-disposition') ?? ''
      expect(disposition).toMatch(/^attachment;filename=[\x20-\x7e]+$/)
      expect(disposition.slice('attachment;filename='.length)).not.toMatch(/[/\\]|\.\./)
      expect([answer.headers.get('set-cookie'), answer.headers.get('x-inner')]).toEqual([null, null])
    })
  })

  describe('bodies', () => {
    it('error: one beyond the limit is refused, and refused again', async () => {
      const body = `{"a":"${'x'.repeat(9 * 1024 * 1024)}"}`
      for (const path of ['/api/services/fileinfo', '/api/services/compute']) {
        const status = await send(stack, 'POST', path, body).then(
          (answer) => answer.status,
          () => 413, // cut off while it was still sending
        )
        expect(status).toBe(413)
      }
      const headers = { 'Content-Type': 'application/octet-stream' }
      const bytes = await ask(stack, 'POST', '/api/services/encrypt?chainId=8996', { headers, body }).then(
        (answer) => answer.status,
        () => 413,
      )
      expect(bytes).toBe(413)
    })

    it.each([
      ['arrays', '[', ']'],
      ['objects', '{"a":', '}'],
      ['prototypes', '{"__proto__":', '}'],
    ])('error: a hundred thousand %s within each other', async (_what, open, close) => {
      const body = open.repeat(100_000) + '1' + close.repeat(100_000)
      for (const path of ['/api/services/fileinfo', '/api/services/initializeCompute', '/api/services/compute']) {
        expect((await send(stack, 'POST', path, body)).status).toBe(400)
      }
    })

    it('error: and within a text that is JSON, or a query', async () => {
      const userdata = '{"a":'.repeat(2_000) + '1' + '}'.repeat(2_000)
      const file = { type: 'url', url: `${origin.url}/a.csv`, method: 'GET', userdata }
      expect((await send(stack, 'POST', '/api/services/fileinfo', file)).status).toBeLessThan(500)
      const answer = await ask(stack, 'GET', `${downloadUrl(3)}&userdata=${encodeURIComponent(userdata)}`)
      expect(answer.status).toBeLessThan(500)
    })

    it('error: a hundred datasets that nobody published are refused for the first', async () => {
      const named = { documentId: `did:op:${'1'.repeat(64)}`, serviceId: 'a' }
      const before = stack.cache.seen.length
      const answer = await send(stack, 'POST', '/api/services/initializeCompute', {
        datasets: Array(100).fill(named),
        algorithm: { documentId: asset.did, serviceId: asset.serviceId },
        compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 300 },
        consumerAddress: stack.consumer.address,
      })
      expect(answer.status).toBe(400)
      expect(stack.cache.seen.length - before).toBeLessThanOrEqual(102)
    })

    it('error: polluting a prototype changes nothing', async () => {
      const body = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"type":"url","url":"x"}'
      await send(stack, 'POST', '/api/services/fileinfo', body)
      expect(Reflect.get({}, 'polluted')).toBeUndefined()
    })
  })

  describe('lines of a request', () => {
    const raw = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const { hostname, port } = new URL(stack.url)
        const socket = connect(Number(port), hostname, () => socket.end(text))
        let told = ''
        socket.on('data', (chunk: Buffer) => (told += chunk.toString()))
        socket.on('end', () => resolve(told))
        socket.on('error', reject)
      })

    it.each([
      [
        'two lengths',
        'POST /api/services/fileinfo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
      ],
      [
        'a length beside chunks',
        'POST /api/services/fileinfo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n',
      ],
      ['a header without a name', 'GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n'],
      ['a bare line feed in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n'],
      ['headers without an end', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`],
    ])('error: %s', async (_what, text) => {
      expect(await raw(text)).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect((await fetch(`${stack.url}/healthz`)).status).toBe(200)
    })

    it('error: an id of a request comes back without what a header cannot hold', async () => {
      const answer = await ask(stack, 'GET', '/', { headers: { 'X-Request-Id': 'a b"<c>;\u00e9'.padEnd(500, 'z') } })
      expect(answer.headers.get('x-request-id')).toMatch(/^[\w.-]{1,64}$/)
    })
  })

  it('behaviour: a slow origin keeps nobody else waiting', async () => {
    const slow = [0, 1, 0, 1, 0, 1].map((index) => download(index))
    while (waiting.length < slow.length) await new Promise((resolve) => setTimeout(resolve, 20))
    const others = await Promise.all(
      Array.from({ length: 10 }, (_, index) => download(3 + (index % EVIL_NAMES.length))),
    )
    expect(others.map(({ status }) => status)).toEqual(Array(10).fill(200))
    let finished = 0
    slow.forEach((one) => void one.then(() => (finished += 1)))
    expect((await fetch(`${stack.url}/healthz`)).status).toBe(200)
    expect(finished).toBe(0) // they all still wait
    waiting.splice(0).forEach((finish) => finish())
    const answers = await Promise.all(slow)
    expect(answers.map(({ text }) => text)).toEqual(Array(3).fill(['at last', 'first last']).flat())
  })

  it('behaviour: of a hundred requests with one nonce exactly one passes', async () => {
    const nonce = nextNonce()
    const answers = await Promise.all(Array.from({ length: 100 }, () => download(3, nonce)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const refused = answers.filter(({ status }) => status !== 200)
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([400]))
    for (const { json } of refused) {
      expect(json).toMatchObject({ errors: { signature: expect.stringContaining('expected nonce') } })
    }
  })

  it('behaviour: of a hundred stops with one nonce and other casings exactly one passes', async () => {
    const jobId = '0123456789abcdef0123456789abcdef'
    const nonce = nextNonce()
    const { address, key } = stack.consumer
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => {
        const consumerAddress = index % 2 === 0 ? address : `0x${address.slice(2).toLowerCase()}`
        const signature = signMessage(consumerAddress + jobId + asset.did + nonce, key)
        return query(stack, 'PUT', '/api/services/compute', {
          consumerAddress,
          jobId,
          documentId: asset.did,
          nonce,
          signature,
        })
      }),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })
})
