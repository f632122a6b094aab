import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { feeOf, nextNonce, query, send } from './support/api.ts'
import { hostileAddresses, hostileLookup } from './support/hostile-addresses.ts'
import { startHttpStub, type HttpStub } from './support/http-stub.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

jest.setTimeout(300_000)

/** Something inside that nobody outside may reach: it counts connections, whatever they would say. */
const listeners: Server[] = []
let connections = 0
let port: number

/** An origin outside that redirects to wherever its address says. */
let redirector: HttpStub

let stack: Stack
let payloads: [what: string, url: string][]

beforeAll(async () => {
  port = await listen('127.0.0.1', 0)
  await listen('::1', port).catch(() => 0) // a machine without IPv6 has nothing there to reach
  redirector = await startHttpStub(({ query: asked }, response) => {
    const [status, to] = [asked.get('status'), asked.get('to')]
    if (status && to) response.writeHead(Number(status), { Location: to }).end()
    else response.writeHead(404).end()
  })
  payloads = hostileAddresses(
    port,
    (status, to) => `${redirector.url}/?${new URLSearchParams({ status: String(status), to }).toString()}`,
  )
  const fetch = openOriginFetch({ allowList: [redirector.host], timeoutMs: 2_000, lookup: hostileLookup })
  stack = await startStack({ gateways: { ipfs: redirector.url, arweave: redirector.url } }, { fetch })
})
afterAll(async () => {
  await stack.close()
  await redirector.close()
  await Promise.all(listeners.map((server) => new Promise((resolve) => server.close(resolve))))
})
afterEach(() => expect(connections).toBe(0))

function listen(host: string, at: number): Promise<number> {
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  listeners.push(server)
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(at, host, () => resolve((server.address() as AddressInfo).port))
  })
}

describe('an address inside', () => {
  it('is written in many ways', () => {
    expect(payloads.length).toBeGreaterThan(100)
  })

  it('error: is not asked for anybody who asks about a file', async () => {
    for (const [what, url] of payloads) {
      const answer = await send(stack, 'POST', '/api/services/fileinfo', {
        type: 'url',
        url,
        method: 'GET',
        checksum: true,
      })
      expect({ what, status: answer.status, json: answer.json }).toMatchObject(
        answer.status === 200 ? { what, json: [{ index: 0, type: 'url', valid: false }] } : { what, status: 400 },
      )
      expect({ what, connections }).toEqual({ what, connections: 0 })
    }
  })

  it('error: is not asked with user data, headers or another method either', async () => {
    for (const [, url] of payloads.slice(0, 10)) {
      const file = { type: 'url', url, method: 'POST', headers: { Host: 'inside' }, userdata: { a: 'b' } }
      expect((await send(stack, 'POST', '/api/services/fileinfo', file)).status).toBeLessThan(500)
    }
  })

  it('error: is not asked through any other type of file', async () => {
    const inside = `http://127.0.0.1:${port}/x`
    for (const file of [
      { type: 'ipfs', hash: inside },
      { type: 'ipfs', hash: `../../@127.0.0.1:${port}` },
      { type: 'ipfs', hash: `//127.0.0.1:${port}/x` },
      { type: 'arweave', transactionId: inside },
      { type: 'arweave', transactionId: `\\\\127.0.0.1:${port}\\x` },
      { type: 'graphql', url: inside, query: '{a}' },
      { type: 's3', endpoint: inside, region: 'eu', bucket: 'bucket', objectKey: 'k', forcePathStyle: true },
      { type: 's3', endpoint: `http://localhost:${port}`, region: 'eu', bucket: 'bucket', objectKey: 'k' },
      { type: 's3', region: `x@127.0.0.1:${port}`, bucket: 'bucket', objectKey: 'k' },
      { type: 'smartcontract', address: inside, chainId: 8996, abi: {} },
    ]) {
      const answer = await send(stack, 'POST', '/api/services/fileinfo', file)
      expect([200, 400]).toContain(answer.status)
      expect(answer.text).not.toContain('"valid":true')
    }
  })

  describe('that a publisher hides in a document', () => {
    let asset: PublishedAsset
    let tx: string

    beforeAll(async () => {
      const files = payloads.map(([, url]) => ({ type: 'url', url, method: 'GET' }))
      asset = await stack.publish({ serviceType: 'access', files })
      const { did: documentId, serviceId } = asset
      const quoted = await query(stack, 'GET', '/api/services/initialize', {
        documentId,
        serviceId,
        consumerAddress: stack.consumer.address,
      })
      const fee = feeOf(quoted.json as Parameters<typeof feeOf>[0])
      tx = await stack.consumer.startOrder(asset.datatoken, { consumer: stack.consumer.address, fee })
    })

    const parameters = (fileIndex: number) => {
      const nonce = nextNonce()
      return {
        documentId: asset.did,
        serviceId: asset.serviceId,
        consumerAddress: stack.consumer.address,
        transferTxId: tx,
        fileIndex: String(fileIndex),
        nonce,
        signature: signMessage(asset.did + nonce, stack.consumer.key),
      }
    }

    it('error: is not downloaded, and the answer names nothing of it', async () => {
      for (const [index, [what, url]] of payloads.entries()) {
        const answer = await query(stack, 'GET', '/api/services/download', parameters(index))
        expect({ what, status: answer.status, connections }).toEqual({ what, status: 400, connections: 0 })
        expect(answer.text).not.toContain(`:${port}`)
        expect(answer.text).not.toContain(url)
      }
    })

    it('error: is not probed for a quote', async () => {
      for (const [index] of payloads.entries()) {
        const { transferTxId: _ordered, ...unordered } = parameters(index)
        const answer = await query(stack, 'GET', '/api/services/initialize', unordered)
        expect(answer.status).toBe(400)
        expect(answer.text).not.toContain(`:${port}`)
      }
    })

    it('error: is not asked about, though the answer lists every file', async () => {
      const { did, serviceId } = asset
      const answer = await send(stack, 'POST', '/api/services/fileinfo', { did, serviceId, checksum: true })
      expect(answer.status).toBeLessThan(500)
      expect(answer.text).not.toContain('"valid":true')
    })
  })
})
