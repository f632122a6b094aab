import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createGuardedFetch } from '../../src/guarded-fetch.ts'

/** An origin on loopback: what an attacker would like to reach. */
let origin: Server
let port: number
let hits: { path: string; authorization: string | undefined }[]

beforeEach(async () => {
  hits = []
  origin = createServer((request, response) => {
    hits.push({ path: request.url ?? '', authorization: request.headers.authorization })
    const redirect = /^\/to\/(.*)$/.exec(request.url ?? '')?.[1]
    if (redirect !== undefined) response.writeHead(302, { Location: decodeURIComponent(redirect) }).end()
    else if (request.url === '/silent') return
    else response.end('secret')
    return
  })
  await new Promise<void>((resolve) => origin.listen(0, resolve))
  port = (origin.address() as AddressInfo).port
})
afterEach(async () => {
  origin.closeAllConnections()
  await new Promise((resolve) => origin.close(resolve))
})

const strict = createGuardedFetch({ allowList: [], timeoutMs: 500 })
const allowing = (...entries: string[]) => createGuardedFetch({ allowList: entries, timeoutMs: 500 })

describe('guarded fetch', () => {
  it('reaches what an operator allows', async () => {
    const response = await allowing(`127.0.0.1:${port}`)(`http://127.0.0.1:${port}/x`)
    expect(await response.text()).toBe('secret')
  })

  it.each([
    ['loopback', 'http://127.0.0.1'],
    ['a name of loopback', 'http://localhost'],
    ['decimal', 'http://2130706433'],
    ['hex', 'http://0x7f000001'],
    ['octal', 'http://0177.0.0.1'],
    ['short form', 'http://127.1'],
    ['unspecified', 'http://0.0.0.0'],
    ['IPv6 loopback', 'http://[::1]'],
    ['IPv6 unspecified', 'http://[::]'],
    ['mapped', 'http://[::ffff:127.0.0.1]'],
    ['mapped in hex', 'http://[::ffff:7f00:1]'],
    ['with credentials in front', 'http://example.org@127.0.0.1'],
    ['full-width digits', 'http://１２７.０.０.１'],
    ['trailing dot', 'http://localhost.'],
    ['any name below localhost', 'http://anything.localhost'],
  ])('error: refuses %s without a single byte sent', async (_what, base) => {
    await expect(strict(`${base}:${port}/x`)).rejects.toMatchObject({ code: 'FilesUnavailable' })
    expect(hits).toEqual([])
  })

  it.each(['file:///etc/passwd', 'ftp://example.org/x', 'gopher://127.0.0.1/', 'data:text/plain,x', 'not a url', ''])(
    'error: refuses %j, which is not http',
    async (url) => {
      await expect(strict(url)).rejects.toMatchObject({ code: 'FilesUnavailable' })
    },
  )

  it('error: a redirect to an address that is not allowed is not followed', async () => {
    const fetch = allowing(`127.0.0.1:${port}`)
    const other = createServer((_request, response) => response.end('other'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const otherPort = (other.address() as AddressInfo).port
    const target = encodeURIComponent(`http://127.0.0.1:${otherPort}/`)
    await expect(fetch(`http://127.0.0.1:${port}/to/${target}`)).rejects.toMatchObject({ code: 'FilesUnavailable' })
    await new Promise((resolve) => other.close(resolve))
  })

  it('behaviour: a redirect to another origin does not take the headers along', async () => {
    const fetch = allowing(`127.0.0.1:${port}`, `localhost:${port}`)
    const target = encodeURIComponent(`http://localhost:${port}/there`)
    await fetch(`http://127.0.0.1:${port}/to/${target}`, { headers: { Authorization: 'Bearer x' } })
    expect(hits.map((hit) => hit.authorization)).toEqual(['Bearer x', undefined])
  })

  it.each([
    [302, 'GET', undefined, ''],
    [303, 'GET', undefined, ''],
    [307, 'POST', 'application/json', '{"a":1}'],
  ])('behaviour: a body that meets a %d goes on as a %s', async (status, method, contentType, body) => {
    const seen: unknown[] = []
    origin.removeAllListeners('request')
    origin.on('request', (request, response) => {
      if (request.url === '/there') {
        let text = ''
        request.on('data', (chunk: Buffer) => (text += chunk.toString()))
        request.on('end', () => {
          seen.push([request.method, request.headers['content-type'], text])
          response.end('content')
        })
      } else response.writeHead(status, { Location: `http://localhost:${port}/there` }).end()
    })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }
    const answer = await allowing(`127.0.0.1:${port}`, `localhost:${port}`)(`http://127.0.0.1:${port}/x`, init)
    expect([answer.status, await answer.text(), seen]).toEqual([200, 'content', [[method, contentType, body]]])
  })

  it('error: a redirect to what is no address', async () => {
    const fetch = allowing(`127.0.0.1:${port}`)
    await expect(fetch(`http://127.0.0.1:${port}/to/${encodeURIComponent('http://[')}`)).rejects.toMatchObject({
      code: 'FilesUnavailable',
      detail: 'The address redirects to none.',
    })
  })

  it('error: gives up after five redirects', async () => {
    const fetch = allowing(`127.0.0.1:${port}`)
    let url = '/x'
    for (let hop = 0; hop < 8; hop++) url = `/to/${encodeURIComponent(url)}`
    await expect(fetch(`http://127.0.0.1:${port}${url}`)).rejects.toMatchObject({ code: 'FilesUnavailable' })
    expect(hits).toHaveLength(6)
  })

  it('error: an origin that never answers is given up, and the sentence names no address', async () => {
    const failure = await allowing(`127.0.0.1:${port}`)(`http://127.0.0.1:${port}/silent`).catch(
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ code: 'FilesUnavailable' })
    expect((failure as Error).message).not.toContain(String(port))
  })
})
