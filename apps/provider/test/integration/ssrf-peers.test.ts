import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { silentLogger } from '@c2d/runtime'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { createMetadataCache } from '../../src/clients/metadata-cache.ts'
import { orderAccess, signedDownload } from './support/access.ts'
import { query, send, type Answer } from './support/api.ts'
import { hostileAddresses, hostileLookup } from './support/hostile-addresses.ts'
import { startHttpStub, type HttpStub } from './support/http-stub.ts'
import { PEER_KEY } from './support/peer-provider-stub.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

jest.setTimeout(300_000)

/** Something inside that nobody outside may reach. */
let inside: Server
let connections = 0
let port: number
let outside: HttpStub
/** What the metadata cache answers. */
let cacheAnswers: 'redirect' | 'nonsense' | 'endless' | 'silence' | 'forgery' = 'nonsense'
let cache: HttpStub
let forgery: unknown
let stack: Stack

beforeAll(async () => {
  inside = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve))
  port = (inside.address() as AddressInfo).port
  outside = await startHttpStub(({ query: asked, method, body }, response) => {
    const [status, to] = [asked.get('status'), asked.get('to')]
    if (status && to) response.writeHead(Number(status), { Location: to }).end()
    else response.setHeader('Content-Type', 'text/plain').end(method === 'POST' ? body : 'content')
  })
  cache = await startHttpStub((_request, response) => {
    if (cacheAnswers === 'redirect') response.writeHead(302, { Location: `http://127.0.0.1:${port}/` }).end()
    else if (cacheAnswers === 'nonsense') response.writeHead(200).end('<html>\u0000')
    else if (cacheAnswers === 'endless') {
      response.writeHead(200)
      const more = setInterval(() => response.write('x'.repeat(1024 * 1024)), 1)
      response.on('close', () => clearInterval(more))
    } else if (cacheAnswers === 'forgery') response.end(JSON.stringify(forgery))
  })
  stack = await startStack(
    {},
    {
      fetch: openOriginFetch({ allowList: [outside.host], timeoutMs: 2_000, lookup: hostileLookup }),
      cache: createMetadataCache({ url: cache.url, timeoutMs: 500 }, { log: silentLogger }),
    },
  )
})
afterAll(async () => {
  await stack.close()
  await Promise.all([outside.close(), cache.close(), new Promise((resolve) => inside.close(resolve))])
})
afterEach(() => expect(connections).toBe(0))

describe('the endpoint that a document names for its provider', () => {
  it('error: is not asked where it is inside, for a quote or an explanation', async () => {
    const redirect = (status: number, to: string): string =>
      `${outside.url}/?${new URLSearchParams({ status: String(status), to }).toString()}`
    const dataset = await stack.publish({ files: [{}], compute: { publisherTrustedAlgorithms: ['*'] } })
    const file = { type: 'url', url: 'http://hidden.example/x', method: 'GET' }
    const payloads = hostileAddresses(port, redirect)
    const { did: documentId } = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [file],
      filesKey: PEER_KEY, // so that it is not ours, and its provider must be asked
      accesses: payloads.map(([, serviceEndpoint], index) => ({ id: `service ${index}`, file, serviceEndpoint })),
    })
    const input = { documentId: dataset.did, serviceId: dataset.serviceId }
    const consumerAddress = stack.consumer.address
    const compute = { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 600 }
    for (const [index, [what]] of payloads.entries()) {
      const algorithm = { documentId, serviceId: `service ${index}` }
      const question = { environment: 'free', consumerAddress, dataset: input, algorithm }
      const answers = [
        await send(stack, 'POST', '/api/services/initializeCompute', {
          datasets: [input],
          algorithm,
          compute,
          consumerAddress,
        }),
        await send(stack, 'POST', '/api/services/compute/explain', question),
      ]
      expect({ what, statuses: answers.map(({ status }) => status) }).toEqual({ what, statuses: [400, 200] })
      expect(answers[1]?.json).toMatchObject({
        rules: expect.arrayContaining([
          expect.objectContaining({ rule: 'algorithm-service-exists', outcome: 'allow' }),
          expect.objectContaining({ rule: 'algorithm-provider', outcome: 'deny' }),
        ]),
      })
      for (const { text } of answers) expect(text).not.toContain(`:${port}`)
      expect({ what, connections }).toEqual({ what, connections: 0 })
    }
  })

  it('error: is not asked as the provider of a dataset beside the first either', async () => {
    const algorithm = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [{ type: 'ipfs', hash: 'x' }],
    })
    const files = [{}]
    const dataset = await stack.publish({ files, compute: { publisherTrustedAlgorithms: ['*'] } })
    const beside = await stack.publish({
      serviceType: 'access',
      files,
      filesKey: PEER_KEY,
      serviceEndpoint: `http://127.0.0.1:${port}`,
    })
    const answer = await send(stack, 'POST', '/api/services/initializeCompute', {
      datasets: [dataset, beside].map(({ did, serviceId }) => ({ documentId: did, serviceId })),
      algorithm: { documentId: algorithm.did, serviceId: algorithm.serviceId },
      compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 300 },
      consumerAddress: stack.consumer.address,
    })
    expect(answer.json).toEqual({ error: { 'datasets[1].serviceId': 'provider_unavailable' } })
  })
})

describe('a metadata cache that somebody took over', () => {
  const initialize = ({ did, serviceId }: PublishedAsset): Promise<Answer> =>
    query(stack, 'GET', '/api/services/initialize', {
      documentId: did,
      serviceId,
      consumerAddress: stack.consumer.address,
      fileIndex: '0',
    })

  it.each(['redirect', 'nonsense', 'endless', 'silence', 'forgery'] as const)(
    'behaviour: with %s, what is on chain serves',
    async (answers) => {
      const file = { type: 'url', url: `${outside.url}/data`, method: 'GET' }
      const asset = await stack.publish({ serviceType: 'access', files: [file] })
      const services = asset.document['services'] as object[]
      forgery = {
        ...asset.document,
        nftAddress: `http://127.0.0.1:${port}`,
        services: services.map((service) => ({ ...service, serviceEndpoint: `http://127.0.0.1:${port}`, files: '0x' })),
      }
      cacheAnswers = answers
      const answer = await initialize(asset)
      expect([answer.status, answer.json]).toEqual([200, expect.objectContaining({ datatoken: asset.datatoken })])
    },
  )
})

describe('parameters of a consumer', () => {
  const EVIL = {
    host: '127.0.0.1',
    url: 'http://127.0.0.1/',
    '@127.0.0.1/': 'x',
    '/../../etc/passwd': 'x',
    'a\r\nHost': 'inside',
    query: '{secret}',
    variables: { all: true },
    __proto__: { polluted: 1 },
    fixed: 'changed',
  }
  const userdata = JSON.stringify(EVIL)

  it('error: of a file by address only add to its query, and replace nothing in it', async () => {
    const access = await orderAccess(stack, { type: 'url', url: `${outside.url}/a/b?fixed=1`, method: 'GET' })
    const answer = await query(stack, 'GET', '/api/services/download', signedDownload(stack, access, { userdata }))
    expect(answer.status).toBe(200)
    const seen = outside.seen.at(-1)
    expect([seen?.method, seen?.path, seen?.headers.host]).toEqual(['GET', '/a/b', outside.host])
    expect(seen?.query.getAll('fixed')).toEqual(['1'])
    expect(seen?.query.get('host')).toBe('127.0.0.1')
  })

  it('error: of a GraphQL file are its variables, never its query or its address', async () => {
    const file = {
      type: 'graphql',
      url: `${outside.url}/graphql`,
      query: 'query ($n: Int) { nodes(first: $n) { id } }',
    }
    const access = await orderAccess(stack, file)
    const answer = await query(stack, 'GET', '/api/services/download', signedDownload(stack, access, { userdata }))
    expect(answer.status).toBe(200)
    const seen = outside.seen.at(-1)
    expect([seen?.path, seen?.query.size, JSON.parse(seen?.body ?? '')]).toEqual([
      '/graphql',
      0,
      { query: file.query, variables: JSON.parse(userdata) as unknown },
    ])
  })

  it('error: cannot name where a file is taken from', async () => {
    const access = await orderAccess(stack, { type: 'url', url: `${outside.url}/`, method: 'GET' })
    for (const value of [`http://127.0.0.1:${port}/`, `//127.0.0.1:${port}`, `\\\\127.0.0.1:${port}`]) {
      const sent = JSON.stringify({ to: value, '': value, '?': value, '#': value })
      const parameters = signedDownload(stack, access, { userdata: sent })
      expect((await query(stack, 'GET', '/api/services/download', parameters)).status).toBe(200)
    }
  })
})
