import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { expectNothing, MIB, sha256, SPLIT, stage, staged, start } from './support/hostile-origins.ts'
import { partOf, serveContent, trickle } from './support/range-origin.ts'

describe('an origin that', () => {
  it('changes its file between two parts is read anew, and never mixed', async () => {
    const [old, fresh] = [randomBytes(12 * MIB), randomBytes(12 * MIB)]
    let current = { content: old, etag: '"old"' }
    const origin = await start((request, response, asked) => {
      if (request.headers.range !== undefined && current.content === old) current = { content: fresh, etag: '"new"' }
      const { content, etag } = current
      if (content === fresh) {
        serveContent(content, etag)(request, response, asked)
        return
      }
      response.writeHead(200, { ETag: etag, 'Content-Length': content.length })
      trickle(response, content, 512 * 1024, 20) // slow enough that others are asked too
    })
    const result = await stage(origin, { transfer: SPLIT })
    expect(result).toMatchObject({ status: 30, files: [{ sha256: sha256(fresh), sizeBytes: fresh.length }] })
    expect(sha256(await staged())).toBe(sha256(fresh))
  })

  it('changes its file, keeps its length, and disregards If-Range is caught by the version of each part', async () => {
    const [old, fresh] = [randomBytes(2 * MIB), randomBytes(2 * MIB)]
    let hasChanged = false
    const origin = await start((request, response) => {
      const content = hasChanged ? fresh : old
      const etag = hasChanged ? '"new"' : '"old"'
      const part = partOf(request, content.length, request.headers['if-range'] as string)
      if (part) {
        response
          .writeHead(206, {
            ETag: etag,
            'Content-Length': part.to - part.from,
            'Content-Range': `bytes ${part.from}-${part.to - 1}/${content.length}`,
          })
          .end(content.subarray(part.from, part.to))
        return
      }
      response.writeHead(200, { ETag: etag, 'Content-Length': content.length })
      if (hasChanged) response.end(content)
      else {
        hasChanged = true
        response.write(content.subarray(0, MIB), () => setTimeout(() => response.destroy(), 20))
      }
    })
    expect(await stage(origin)).toMatchObject({ status: 30, files: [{ sha256: sha256(fresh) }] })
    expect(origin.asked[1]?.headers.range).toMatch(/^bytes=\d+-/)
    expect((await staged()).equals(fresh)).toBe(true)
  })

  it('error: changes at every question is given up, and the sentence says why', async () => {
    const content = randomBytes(MIB)
    let version = 0
    const origin = await start((request, response) => {
      version += 1
      response.writeHead(200, { ETag: `"${version}"`, 'Content-Length': content.length })
      if (request.headers.range === undefined) {
        response.write(content.subarray(0, 500_000), () => setTimeout(() => response.destroy(), 20))
      } else response.end(content)
    })
    const result = await stage(origin)
    expect(result).toMatchObject({ status: 31 })
    expect(result.message).toContain('changes while it is read')
    await expectNothing()
  })

  it('ignores ranges (200 for a part) is read by one connection', async () => {
    const content = randomBytes(9 * MIB)
    const origin = await start((request, response) => {
      response.writeHead(200, { ETag: '"v1"', 'Content-Length': content.length })
      if (request.headers.range === undefined) trickle(response, content, 512 * 1024, 15)
      else response.end(content)
    })
    expect(await stage(origin, { transfer: SPLIT })).toMatchObject({ status: 30, files: [{ sha256: sha256(content) }] })
    expect(origin.asked.some((one) => one.headers.range !== undefined)).toBe(true)
  })

  it('answers another part than the one that was asked for is read by one connection', async () => {
    const content = randomBytes(9 * MIB)
    const origin = await start((request, response) => {
      const head = { ETag: '"v1"', 'Content-Length': content.length }
      if (request.headers.range === undefined) {
        response.writeHead(200, head)
        trickle(response, content, 512 * 1024, 15)
      } else {
        response.writeHead(206, {
          ...head,
          'Content-Length': 4,
          'Content-Range': `bytes 0-3/${content.length}`,
        })
        response.end(content.subarray(0, 4))
      }
    })
    expect(await stage(origin, { transfer: SPLIT })).toMatchObject({ status: 30, files: [{ sha256: sha256(content) }] })
  })

  it('answers 206 by itself, because the file object has a range of its own, is taken at its word', async () => {
    const content = randomBytes(2 * MIB)
    const origin = await start((_request, response, asked) => {
      const part = content.subarray(100, 100 + MIB)
      response.writeHead(206, {
        ETag: '"v1"',
        'Content-Length': part.length,
        'Content-Range': `bytes 100-${99 + MIB}/${content.length}`,
      })
      if (asked.length === 1) response.write(part.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20))
      else response.end(part)
    })
    expect(await stage(origin, { transfer: SPLIT })).toMatchObject({ status: 30, files: [{ sizeBytes: MIB }] })
    expect((await staged()).equals(content.subarray(100, 100 + MIB))).toBe(true)
  })

  it('minds more than one connection keeps the one it has', async () => {
    const content = randomBytes(10 * MIB)
    let open = 0
    const origin = await start((request, response, asked) => {
      if (open > 0) {
        response.writeHead(429, { 'Retry-After': '0' }).end()
        return
      }
      open += 1
      response.on('close', () => (open -= 1))
      if (request.headers.range === undefined) {
        response.writeHead(200, { ETag: '"v1"', 'Content-Length': content.length })
        trickle(response, content, 512 * 1024, 15)
      } else serveContent(content)(request, response, asked)
    })
    expect(await stage(origin, { transfer: SPLIT })).toMatchObject({ status: 30, files: [{ sha256: sha256(content) }] })
  })
})
