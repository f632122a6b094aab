import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Lookup } from '../../src/address-guard.ts'
import { createGuardedRequest } from '../../src/guarded-request.ts'

/** An origin on loopback: what an attacker would like to reach. */
let origin: Server
let port: number
let hits: { path: string; headers: IncomingHttpHeaders }[]

beforeEach(async () => {
  hits = []
  origin = createServer((request, response) => {
    hits.push({ path: request.url ?? '', headers: request.headers })
    const redirect = /^\/to\/(.*)$/.exec(request.url ?? '')?.[1]
    if (redirect !== undefined) response.writeHead(302, { Location: decodeURIComponent(redirect) }).end()
    else if (request.url !== '/silent') response.end('secret')
  })
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  port = (origin.address() as AddressInfo).port
})
afterEach(async () => {
  origin.closeAllConnections()
  await new Promise((resolve) => origin.close(resolve))
})

const lookup: Lookup = (host, _options, done) =>
  done(null, host === 'mixed.example' ? both : [{ address: '127.0.0.1', family: 4 }])
const both = [
  { address: '93.184.216.34', family: 4 },
  { address: '127.0.0.1', family: 4 },
]

function ask(url: string, allowList: string[] = [], headers: Record<string, string> = {}) {
  const request = createGuardedRequest({ allowList, timeoutMs: 500, connections: 4, lookup })
  return request(url, { headers, signal: new AbortController().signal })
}

describe('guarded request', () => {
  it('reaches what an operator allows, by address and by name', async () => {
    const byAddress = await ask(`http://127.0.0.1:${port}/x`, [`127.0.0.1:${port}`], { range: 'bytes=0-' })
    expect([byAddress.status, await text(byAddress.body)]).toEqual([200, 'secret'])
    expect(hits[0]?.headers.range).toBe('bytes=0-')
    const byName = await ask(`http://inside.example:${port}/x`, ['inside.example'])
    expect(await text(byName.body)).toBe('secret')
  })

  it.each([
    'http://127.0.0.1',
    'http://localhost',
    'http://2130706433',
    'http://0x7f000001',
    'http://0177.0.0.1',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://example.org@127.0.0.1',
    'http://inside.example',
    'http://mixed.example',
  ])('error: refuses %s without a single byte sent', async (base) => {
    await expect(ask(`${base}:${port}/x`)).rejects.toMatchObject({
      code: 'FilesUnavailable',
      detail: 'The address is not a public one.',
    })
    expect(hits).toEqual([])
  })

  it.each(['file:///etc/passwd', 'ftp://example.org/x', 'not a url', ''])(
    'error: refuses %j, which is not http',
    async (url) => {
      await expect(ask(url)).rejects.toMatchObject({ code: 'FilesUnavailable' })
    },
  )

  it('error: judges every redirect anew', async () => {
    const url = `http://inside.example:${port}/to/${encodeURIComponent(`http://127.0.0.1:${port}/x`)}`
    await expect(ask(url, ['inside.example'])).rejects.toMatchObject({ detail: 'The address is not a public one.' })
    expect(hits.map((hit) => hit.path)).not.toContain('/x')
  })

  it('error: gives up on circles, and on addresses that are none', async () => {
    const allow = [`127.0.0.1:${port}`]
    const circle = `http://127.0.0.1:${port}/to/`
    origin.removeAllListeners('request')
    origin.on('request', (_request, response) => response.writeHead(302, { Location: '/again' }).end())
    await expect(ask(circle, allow)).rejects.toMatchObject({ detail: expect.stringContaining('more than') })
    origin.removeAllListeners('request')
    origin.on('request', (_request, response) => response.writeHead(302, { Location: 'http://[' }).end())
    await expect(ask(circle, allow)).rejects.toMatchObject({ detail: 'The address redirects to none.' })
  })

  it('behaviour: another host learns what is wanted, and nothing about who wants it', async () => {
    const far = encodeURIComponent(`http://127.0.0.1:${port}/far`)
    const own = {
      authorization: 'Bearer s',
      'c2d-download-token': 't',
      cookie: 'c',
      range: 'bytes=1-',
      'if-range': '"a"',
    }
    await ask(`http://inside.example:${port}/to/${far}`, ['inside.example', '127.0.0.1'], own)
    expect(hits[0]?.headers).toMatchObject(own)
    expect(hits[1]?.headers).toMatchObject({ range: 'bytes=1-', 'if-range': '"a"' })
    for (const name of ['authorization', 'c2d-download-token', 'cookie'])
      expect(hits[1]?.headers).not.toHaveProperty(name)
  })

  it('error: whoever does not answer is given up, without naming the address', async () => {
    const failure = ask(`http://127.0.0.1:${port}/silent`, [`127.0.0.1:${port}`])
    await expect(failure).rejects.toMatchObject({ detail: 'The address does not answer.' })
  })
})
