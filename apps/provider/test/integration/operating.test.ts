import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from '@jest/globals'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { orderAccess, signedDownload } from './support/access.ts'
import { ask, query, send } from './support/api.ts'
import { startHttpStub } from './support/http-stub.ts'
import { startStack, type Stack } from './support/stack.ts'

const DOWNLOAD = '/api/services/download'

describe('what an operator sees and sets', () => {
  let stack: Stack
  afterEach(() => stack.close())

  const metrics = async (): Promise<string> => (await ask(stack, 'GET', '/metrics')).text

  it('tells requests, calls to others and refusals by their rule', async () => {
    stack = await startStack()
    const order = await orderAccess(stack, stack.origin.offer('/a.txt', 'hello'))
    expect((await query(stack, 'GET', DOWNLOAD, signedDownload(stack, order))).status).toBe(200)
    await query(stack, 'GET', '/api/services/computeEnvironments', { one: '1' })
    await query(stack, 'GET', DOWNLOAD, signedDownload(stack, order, { nonce: '1' }))
    await send(stack, 'POST', '/api/services/initializeCompute', {
      datasets: [{ documentId: `did:op:${'0'.repeat(64)}`, serviceId: 's' }],
      algorithm: { meta: { rawcode: '1' } },
      compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 600 },
      consumerAddress: stack.consumer.address,
    })
    const text = await metrics()
    const value = (line: string): number =>
      Number(
        text
          .split('\n')
          .find((one) => one.startsWith(line))
          ?.split(' ')
          .at(-1),
      )
    const requests = 'c2d_provider_http_requests_total'
    expect(value(`${requests}{method="GET",route="${DOWNLOAD}",status="200"}`)).toBe(1)
    expect(value(`${requests}{method="GET",route="${DOWNLOAD}",status="400"}`)).toBe(1)
    expect(text).toContain(
      `c2d_provider_http_request_duration_seconds_bucket{le="0.5",method="GET",route="${DOWNLOAD}"`,
    )
    const calls = 'c2d_provider_peer_calls_total'
    expect(value(`${calls}{peer="chain 8996",call="loadOrder",outcome="answered"}`)).toBeGreaterThan(0)
    expect(value(`${calls}{peer="cache",call="loadDocument",outcome="answered"}`)).toBeGreaterThan(0)
    expect(value(`${calls}{peer="operator",call="environments",outcome="answered"}`)).toBeGreaterThan(0)
    const refusals = 'c2d_provider_refusals_total'
    expect(value(`${refusals}{code="InvalidSignature",rule=""}`)).toBe(1)
    expect(value(`${refusals}{code="ComputeRefused",rule="dataset-published"}`)).toBe(1)
    for (const secret of [order.asset.did, stack.consumer.address, order.transferTxId])
      expect(text).not.toContain(secret)
  })

  it('behaviour: calls to others that fail are told apart', async () => {
    stack = await startStack()
    await stack.operator.close()
    expect((await ask(stack, 'GET', '/api/services/computeEnvironments')).status).toBe(503)
    const text = await metrics()
    expect(text).toContain('c2d_provider_peer_calls_total{peer="operator",call="environments",outcome="failed"} 1')
    expect(text).toContain('c2d_provider_refusals_total{code="UpstreamUnavailable",rule=""} 1')
  })

  it('behaviour: metrics that are served elsewhere are not served here', async () => {
    stack = await startStack({ servesMetrics: false })
    expect((await ask(stack, 'GET', '/metrics')).status).toBe(404)
  })

  it('error: a body beyond the limit, and one that is nested without end', async () => {
    stack = await startStack({ bodyLimitBytes: 1_000 })
    const large = await send(stack, 'POST', '/api/services/fileinfo', { url: 'x'.repeat(2_000) })
    expect([large.status, large.json]).toMatchObject([413, { error: expect.stringContaining('larger') }])
    const encrypt = await ask(stack, 'POST', '/api/services/encrypt?chainId=8996', {
      headers: { 'Content-Type': 'application/octet-stream' },
      body: Buffer.alloc(2_000),
    })
    expect(encrypt.status).toBe(413)
    expect((await send(stack, 'POST', '/api/services/fileinfo', '['.repeat(900))).status).toBe(400)
  })

  it('behaviour: every answer has a request id, the caller’s where it sent one that is harmless', async () => {
    stack = await startStack()
    expect((await ask(stack, 'GET', '/')).headers.get('x-request-id')).toMatch(/^[\w-]{36}$/)
    const headers = { 'X-Request-Id': 'abc<script>' }
    expect((await ask(stack, 'GET', '/nothing', { headers })).headers.get('x-request-id')).toBe('abcscript')
  })

  it('behaviour: a download that is running when we stop comes to its end', async () => {
    let rest: ServerResponse | undefined
    const slow = await startHttpStub((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' }).write('first, ')
      rest = response
    })
    stack = await startStack({}, { fetch: openOriginFetch({ allowList: [slow.host], timeoutMs: 20_000 }) })
    const order = await orderAccess(stack, { type: 'url', url: `${slow.url}/slow.txt`, method: 'GET' })
    const parameters = new URLSearchParams(signedDownload(stack, order))
    const response = await fetch(`${stack.url}${DOWNLOAD}?${parameters.toString()}`)
    const stopped = stack.stopServing()
    await expect(fetch(stack.url)).rejects.toThrow()
    rest?.end('then the rest')
    expect(await response.text()).toBe('first, then the rest')
    await stopped
    await slow.close()
  })
})
