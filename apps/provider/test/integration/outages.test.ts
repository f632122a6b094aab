import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { addressOf, createChainClient, signMessage } from '@c2d/chain'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { createCodeProbe } from '../../src/clients/contract-code.ts'
import type { ProviderChain } from '../../src/domain/chains/provider-chain.ts'
import { signedDownload } from './support/access.ts'
import { buildStart, nextNonce, query, quote, send, type Answer } from './support/api.ts'
import { startHttpStub } from './support/http-stub.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

jest.setTimeout(120_000)

describe('when what the provider depends on is gone', () => {
  let stack: Stack
  let asset: PublishedAsset

  beforeAll(async () => {
    stack = await startStack()
    const files = [stack.origin.offer('/data.csv', 'a,b')]
    asset = await stack.publish({ type: 'algorithm', serviceType: 'access', files })
  })
  afterAll(() => stack.close())

  const initialize = (): Promise<Answer> =>
    query(stack, 'GET', '/api/services/initialize', {
      documentId: asset.did,
      serviceId: asset.serviceId,
      consumerAddress: stack.consumer.address,
    })
  const download = (): Promise<Answer> => {
    const nonce = nextNonce()
    return query(stack, 'GET', '/api/services/download', {
      documentId: asset.did,
      serviceId: asset.serviceId,
      consumerAddress: stack.consumer.address,
      transferTxId: asset.metadataTransaction,
      fileIndex: '0',
      nonce,
      signature: signMessage(asset.did + nonce, stack.consumer.key),
    })
  }

  it('behaviour: without a cache, what is on chain serves', async () => {
    await stack.cache.close()
    expect((await initialize()).status).toBe(200)
  })

  it('error: without an operator, jobs are out of order and nothing else is', async () => {
    await stack.operator.close()
    const environments = await query(stack, 'GET', '/api/services/computeEnvironments', {})
    const text = 'Compute envs could not be retrieved for chainId 8996, check configuration.'
    expect([environments.status, environments.json]).toEqual([503, { context: null, error: text }])
    const quotes = await quote(stack, { dataset: asset, algorithm: asset })
    expect([quotes.status, quotes.json]).toEqual([503, { context: null, error: text }])
    const status = await query(stack, 'GET', '/api/services/compute', { consumerAddress: stack.consumer.address })
    expect([status.status, status.json]).toEqual([
      503,
      { context: null, error: 'Something we depend on does not answer' },
    ])
    expect((await initialize()).status).toBe(200)
  })

  it('error: without a chain, what needs it says so, and names no address', async () => {
    await stack.chain.stop()
    for (const answer of await Promise.all([initialize(), download()])) {
      expect([answer.status, answer.json]).toEqual([
        503,
        { context: null, error: expect.stringContaining('The chain 8996 cannot be read right now') },
      ])
      expect(answer.text).not.toMatch(/127\.0\.0\.1|:\d{4,5}/)
    }
    const unready = await fetch(`${stack.url}/readyz`)
    expect([unready.status, (await unready.text()).includes('127.0.0.1')]).toEqual([503, false])
  })

  it('behaviour: and what needs none of them is answered as ever', async () => {
    expect((await fetch(`${stack.url}/healthz`)).status).toBe(200)
    expect((await query(stack, 'GET', '/', {})).status).toBe(200)
    expect((await query(stack, 'GET', '/api/services/nonce', { userAddress: stack.consumer.address })).status).toBe(200)
    const file = { type: 'url', url: `${stack.origin.url}/data.csv`, method: 'GET' }
    expect((await send(stack, 'POST', '/api/services/fileinfo', file)).json).toMatchObject([{ valid: true }])
  })
})

describe('a chain whose endpoint takes connections and says nothing', () => {
  it('error: is given up, in time, by all that need it, and named by nobody', async () => {
    const hole = createServer()
    const sockets = new Set<Socket>()
    hole.on('connection', (socket) => sockets.add(socket))
    await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve))
    const { port } = hole.address() as AddressInfo
    const [rpcUrl, factoryAddress] = [`http://127.0.0.1:${port}`, `0x${'fa'.repeat(20)}`]
    const client = createChainClient({ chainId: 8996, rpcUrl, factoryAddress, requestTimeoutMs: 500 })
    const chain: ProviderChain = {
      chainId: 8996,
      network: 'Ganache',
      factoryAddress,
      feeToken: `0x${'fe'.repeat(20)}`,
      address: addressOf(PROVIDER_KEY),
      privateKey: PROVIDER_KEY,
      client,
      hasCode: createCodeProbe({ rpcUrls: [rpcUrl], timeoutMs: 500 }),
    }
    const stack = await startStack({}, { chains: new Map([[8996, chain]]) })
    try {
      const asset = await stack.publish({ files: [{}], compute: { publisherTrustedAlgorithms: ['*'] } })
      const transferTxId = asset.metadataTransaction
      const named = { documentId: asset.did, serviceId: asset.serviceId, transferTxId }
      const run = { environment: 'free', dataset: named, algorithm: named }
      const body = buildStart(run, stack.consumer)
      for (const answer of await Promise.all([
        query(stack, 'GET', '/api/services/initialize', { ...named, consumerAddress: stack.consumer.address }),
        query(stack, 'GET', '/api/services/download', signedDownload(stack, { asset, transferTxId })),
        send(stack, 'POST', '/api/services/compute', body),
        send(stack, 'POST', '/api/services/compute/explain', buildStart(run, stack.consumer)),
        // Whether this account is a contract, only the chain knows.
        send(stack, 'POST', '/api/services/compute', { ...body, signature: `0x${'12'.repeat(65)}` }),
      ])) {
        expect([answer.status, answer.json]).toMatchObject([503, { context: null }])
        expect(answer.text).not.toContain(String(port))
      }
      expect((await fetch(`${stack.url}/healthz`)).status).toBe(200)
    } finally {
      await stack.close()
      client.close()
      sockets.forEach((socket) => socket.destroy())
      await new Promise((resolve) => hole.close(resolve))
    }
  })
})

describe('origins that are slow on purpose', () => {
  it('error: are given up, whether they say nothing or never end', async () => {
    const pending = new Set<NodeJS.Timeout>()
    const slow = await startHttpStub(({ path }, response) => {
      if (path === '/silent') return
      response.writeHead(200, { 'Content-Type': 'text/plain' })
      pending.add(setInterval(() => response.write('x'), 20))
    })
    const fetch = openOriginFetch({ allowList: [slow.host], timeoutMs: 30_000 })
    const stack = await startStack({ requestTimeoutMs: 400 }, { fetch })
    try {
      const dataset = await stack.publish({ files: [{}], compute: { publisherTrustedAlgorithms: ['*'] } })
      for (const path of ['/silent', '/endless']) {
        const file = { type: 'url', url: slow.url + path, method: 'GET' }
        const asked = await send(stack, 'POST', '/api/services/fileinfo', { ...file, checksum: true })
        expect([asked.status, asked.json]).toMatchObject([200, [{ index: 0 }]])
        expect(asked.text).not.toContain('"checksum":')
        const algorithm = await stack.publish({ type: 'algorithm', serviceType: 'access', files: [file] })
        const quoted = await quote(stack, { dataset, algorithm })
        expect([quoted.status, quoted.json]).toEqual([400, { error: { algorithm: 'file_unavailable' } }])
      }
    } finally {
      pending.forEach((timer) => clearInterval(timer))
      await stack.close()
      await slow.close()
    }
  })
})
