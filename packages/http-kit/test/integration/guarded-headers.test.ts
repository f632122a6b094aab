import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createGuardedFetch } from '../../src/guarded-fetch.ts'
import { createGuardedRequest } from '../../src/guarded-request.ts'

/** A gateway that an operator allows: many share its connections, and it may have neighbours under other names. */
let gateway: Server
let host: string
let hits: { line: string; headers: IncomingHttpHeaders }[]

beforeEach(async () => {
  hits = []
  gateway = createServer((request, response) => {
    hits.push({ line: `${request.method} ${request.url}`, headers: request.headers })
    response.end('content')
  })
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(gateway.address() as AddressInfo).port}`
})
afterEach(async () => {
  gateway.closeAllConnections()
  await new Promise((resolve) => gateway.close(resolve))
})

/** What a publisher of files may try, who chooses the headers of a request. */
const FRAMING = {
  'content-length': '40',
  'Transfer-Encoding': 'chunked',
  Connection: 'upgrade',
  'keep-alive': 'timeout=600',
  Upgrade: 'websocket',
  expect: '100-continue',
  te: 'trailers',
  trailer: 'x',
  'proxy-authorization': 'Basic eDp5',
  'Proxy-Connection': 'keep-alive',
}

describe('headers that a publisher chose', () => {
  it.each(Object.entries(FRAMING))('error: %s does not reach into the next request', async (name, value) => {
    const request = createGuardedRequest({ allowList: [host], timeoutMs: 2_000, connections: 1 })
    const signal = new AbortController().signal
    const first = await request(`http://${host}/first`, { headers: { [name]: value, 'x-key': 'k' }, signal })
    expect(await text(first.body)).toBe('content')
    // The same connection: bytes that the first one promised and did not send would be taken out of this one.
    const second = await request(`http://${host}/second`, { headers: {}, signal })
    expect([second.status, await text(second.body)]).toEqual([200, 'content'])
    expect(hits.map(({ line }) => line)).toEqual(['GET /first', 'GET /second'])
    expect(hits[0]?.headers).toMatchObject({ 'x-key': 'k' })
    expect(hits[0]?.headers[name.toLowerCase()]).not.toBe(value)
  })

  it('error: the host is the address’s, so no neighbour behind the same address is reached', async () => {
    const request = createGuardedRequest({ allowList: [host], timeoutMs: 2_000, connections: 1 })
    const headers = { Host: 'neighbour.internal' }
    const answer = await request(`http://${host}/x`, { headers, signal: new AbortController().signal })
    await text(answer.body)
    const fetched = await createGuardedFetch({ allowList: [host], timeoutMs: 2_000 })(`http://${host}/x`, {
      method: 'POST',
      headers,
      body: '{}',
    })
    await fetched.text()
    expect(hits.map((hit) => hit.headers.host)).toEqual([host, host])
  })

  it.each(Object.entries(FRAMING))(
    'error: with a body, %s is not the publisher’s to say either',
    async (name, value) => {
      const fetch = createGuardedFetch({ allowList: [host], timeoutMs: 2_000 })
      const init = { method: 'POST', headers: { [name]: value, 'content-type': 'application/json' }, body: '{"a":1}' }
      const answer = await fetch(`http://${host}/x`, init)
      expect([answer.status, await answer.text()]).toEqual([200, 'content'])
      expect(hits[0]?.headers['content-type']).toBe('application/json')
      expect(hits[0]?.headers[name.toLowerCase()]).not.toBe(value)
    },
  )
})
