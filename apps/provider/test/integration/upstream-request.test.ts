import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import { readText, requestUpstream } from '../../src/clients/upstream-request.ts'

const TIMEOUT_MS = 200

describe('asking a peer', () => {
  let server: Server
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  async function serve(answer: Parameters<typeof createServer>[1]): Promise<URL> {
    server = createServer(answer as never)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  }

  it('behaviour: a reader may be as slow as it likes', async () => {
    const bytes = 8 * 1024 * 1024
    const url = await serve((_request, response) => response.end(Buffer.alloc(bytes)))
    const { body } = await requestUpstream(url, { method: 'GET', timeoutMs: TIMEOUT_MS })
    await sleep(TIMEOUT_MS * 3)
    let read = 0
    for await (const chunk of body) read += (chunk as Buffer).length
    expect(read).toBe(bytes)
  })

  it('error: a peer that never answers', async () => {
    const url = await serve(() => undefined)
    await expect(requestUpstream(url, { method: 'GET', timeoutMs: TIMEOUT_MS })).rejects.toMatchObject({
      code: 'UpstreamUnavailable',
    })
  })

  it('error: a peer that stops in the middle', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' })
      response.write('half')
    })
    const answer = await requestUpstream(url, { method: 'GET', timeoutMs: TIMEOUT_MS })
    await expect(readText(answer, 1_000)).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
  })

  it('error: an answer beyond the limit', async () => {
    const url = await serve((_request, response) => response.end('x'.repeat(2_000)))
    const answer = await requestUpstream(url, { method: 'GET', timeoutMs: TIMEOUT_MS })
    await expect(readText(answer, 1_000)).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
  })
})
