import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Lookup } from '../../src/address-guard.ts'
import { createGuardedFetch } from '../../src/guarded-fetch.ts'

const ADDRESSES: Record<string, string[]> = {
  'inside.example': ['127.0.0.1'],
  'inside-6.example': ['::1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'compatible.example': ['::7f00:1'],
  'nat64.example': ['64:ff9b::7f00:1'],
  'zoned.example': ['::1%lo'],
  'mixed.example': ['8.8.8.8', '127.0.0.1'],
  'nobody.example': [],
}

describe('names of a guarded fetch', () => {
  let server: Server
  let port: number
  let hits: number
  let asked: string[]

  beforeEach(async () => {
    hits = 0
    asked = []
    server = createServer((_request, response) => {
      hits += 1
      response.end('secret')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  /** A resolver of this test's own: nothing is asked outside. */
  const resolver =
    (answer: (host: string) => string[]): Lookup =>
    (host, _options, done) => {
      asked.push(host)
      done(
        null,
        answer(host).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    }

  it.each(Object.keys(ADDRESSES))('error: refuses %s, whatever else it is', async (host) => {
    const fetch = createGuardedFetch({
      allowList: [],
      timeoutMs: 500,
      lookup: resolver((name) => ADDRESSES[name] ?? []),
    })
    await expect(fetch(`http://${host}:${port}/`)).rejects.toMatchObject({ code: 'FilesUnavailable' })
    expect([asked, hits]).toEqual([[host], 0])
  })

  it('error: a name that is not resolved is told like one that does not answer', async () => {
    const lookup: Lookup = (_host, _options, done) => done(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), [])
    const fetch = createGuardedFetch({ allowList: [], timeoutMs: 500, lookup })
    await expect(fetch(`http://anything.example:${port}/`)).rejects.toMatchObject({
      code: 'FilesUnavailable',
      detail: 'The address does not answer.',
    })
  })

  it('behaviour: a name is resolved once, and the connection goes where that answer said', async () => {
    const answers = [['127.0.0.1'], ['127.0.0.2'], ['::1']]
    const lookup = resolver(() => answers.shift() ?? [])
    const fetch = createGuardedFetch({ allowList: [`turning.example:${port}`], timeoutMs: 2_000, lookup })
    const response = await fetch(`http://turning.example:${port}/`)
    expect([await response.text(), asked, hits]).toEqual(['secret', ['turning.example'], 1])
  })

  it('behaviour: a name that is allowed on one port is not allowed on another', async () => {
    const fetch = createGuardedFetch({
      allowList: [`turning.example:${port + 1}`],
      timeoutMs: 500,
      lookup: resolver(() => ['127.0.0.1']),
    })
    await expect(fetch(`http://turning.example:${port}/`)).rejects.toMatchObject({ code: 'FilesUnavailable' })
    expect(hits).toBe(0)
  })
})
