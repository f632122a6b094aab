import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { MIB, sha256, SPLIT, stage, staged, start, world } from './support/hostile-origins.ts'
import { serveContent } from './support/range-origin.ts'
import { DATA, stageOf } from './support/staging-world.ts'

describe('an origin that', () => {
  it.each([
    [429, '1'],
    [503, new Date(Date.now() + 1000).toUTCString()],
    [502, undefined],
  ])('behaviour: answers %i is asked again, no sooner than it says (%s)', async (status, retryAfter) => {
    const content = Buffer.from('after a while')
    const times: number[] = []
    const origin = await start((request, response, asked) => {
      times.push(Date.now())
      if (asked.length > 1) serveContent(content)(request, response, asked)
      else response.writeHead(status, retryAfter === undefined ? {} : { 'Retry-After': retryAfter }).end('busy')
    })
    const retry = { maxFruitless: 5, maxFailures: 100, pauseMs: 1, maxPauseMs: 400 }
    expect(await stage(origin, { transfer: { retry } })).toMatchObject({ status: 30 })
    expect(origin.asked).toHaveLength(2)
    // What it asks for is cut to the longest pause of ours.
    if (status === 429) expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(395)
  })

  it('error: refuses for good is asked once', async () => {
    const origin = await start((_request, response) => response.writeHead(403).end('go away'))
    const result = await stage(origin)
    expect(result).toMatchObject({ status: 31 })
    expect(result.message).toContain('status 403')
    expect(origin.asked).toHaveLength(1)
  })

  it('redirects is followed, and tells the next one nothing about who asks', async () => {
    const content = randomBytes(2 * MIB)
    const far = await start((request, response, asked) => {
      if (asked.length === 1) {
        response.writeHead(200, { ETag: '"v1"', 'Content-Length': content.length })
        response.write(content.subarray(0, MIB), () => setTimeout(() => response.destroy(), 20))
      } else serveContent(content)(request, response, asked)
    })
    const near = await start((_request, response) => response.writeHead(302, { Location: `${far.base}/there` }).end())
    const url = `${near.base.replace('//', '//user:secret@')}/file`
    const result = await world.run(stageOf({ [DATA]: url }), { allow: [near.authority, far.authority] })
    expect(result).toMatchObject({ status: 30, files: [{ sha256: sha256(content) }] })
    expect(near.asked[0]?.headers.authorization).toMatch(/^Basic /)
    expect(far.asked.map((one) => one.headers.authorization)).toEqual([undefined, undefined])
    expect(far.asked[1]?.headers.range).toMatch(/^bytes=\d+-/)
  })

  it('behaviour: redirects ten times is followed, as the original did', async () => {
    const origin = await start((request, response) => {
      const hop = Number(request.url?.slice('/hop-'.length)) || 0
      if (hop === 10) response.end('there')
      else response.writeHead(302, { Location: `/hop-${hop + 1}` }).end()
    })
    expect(await stage(origin)).toMatchObject({ status: 30 })
    expect((await staged()).toString()).toBe('there')
  })

  it('error: redirects in a circle, or to where nobody may go, is refused', async () => {
    const circle = await start((request, response) => response.writeHead(302, { Location: request.url }).end())
    expect((await stage(circle)).message).toContain('redirects more than')
    const inside = await start((_request, response) => response.end('secret'))
    const outward = await start((_request, response) => response.writeHead(302, { Location: `${inside.base}/` }).end())
    expect((await stage(outward)).message).toContain('not a public one')
    expect(inside.asked).toEqual([])
  })

  it('needs a name and a password gets those of the address, whose text is never told', async () => {
    const origin = await start((request, response, asked) => {
      const isAllowed = request.headers.authorization === `Basic ${Buffer.from('user:p@ss').toString('base64')}`
      if (isAllowed) serveContent(Buffer.from('private'))(request, response, asked)
      else response.writeHead(401).end()
    })
    const at = (user: string) => stageOf({ [DATA]: `${origin.base.replace('//', `//${user}@`)}/file` })
    expect(await world.run(at('user:p%40ss'), { allow: [origin.authority] })).toMatchObject({ status: 30 })
    const refused = await world.run(at('user:wrong'), { allow: [origin.authority] })
    expect(refused.message).toContain('status 401')
    expect(world.log.join('\n') + refused.message).not.toMatch(/wrong|p%40ss|p@ss/)
  })

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
  ])('compresses although nobody asked (%s) is undone, and what is cut of it fails', async (encoding, compress) => {
    const content = randomBytes(2 * MIB)
    const packed = compress(content)
    const origin = await start((request, response, asked) => {
      expect(request.headers['accept-encoding']).toBe('identity')
      response.writeHead(200, { 'Content-Encoding': encoding, ETag: '"v1"', 'Content-Length': packed.length })
      if (asked.length === 1) response.write(packed.subarray(0, MIB), () => setTimeout(() => response.destroy(), 20))
      else response.end(packed)
    })
    expect(await stage(origin, { transfer: SPLIT })).toMatchObject({ status: 30, files: [{ sha256: sha256(content) }] })
    expect(origin.asked.map((one) => one.headers.range)).toEqual([undefined, undefined])
    expect((await staged()).equals(content)).toBe(true)
  })

  it('error: compresses in a way nobody knows is refused', async () => {
    const origin = await start((_request, response) => response.writeHead(200, { 'Content-Encoding': 'foo' }).end('x'))
    expect((await stage(origin)).message).toContain('not known')
    expect(origin.asked).toHaveLength(1)
  })

  it('refuses HEAD is never asked by it', async () => {
    const origin = await start((request, response, asked) => {
      if (request.method === 'HEAD') response.writeHead(405).end()
      else serveContent(Buffer.from('fine'))(request, response, asked)
    })
    expect(await stage(origin)).toMatchObject({ status: 30 })
    expect(origin.asked.map((one) => one.method)).toEqual(['GET'])
  })
})
