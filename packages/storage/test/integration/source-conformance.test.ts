import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { createGuardedFetch } from '@c2d/http-kit'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openSource } from '../../src/open-source.ts'
import { probeSource } from '../../src/probe-source.ts'
import type { SourceOptions } from '../../src/source.ts'
import { serveFile, startOrigin, type Origin, type Serve } from './support/origin.ts'
import { HTTP_KINDS } from './support/source-kinds.ts'

const CONTENT = Buffer.from('year,wage\n1985,9.02\n')
const ETAG = '"v1"'
const good = serveFile(CONTENT, { etag: ETAG, contentType: 'text/csv; charset=utf-8' })
const MIB = 1024 * 1024
const UNAVAILABLE = { code: 'FilesUnavailable' }

let origin: Origin
let other: Origin
beforeEach(async () => {
  origin = await startOrigin()
  other = await startOrigin()
})
afterEach(async () => {
  await origin.close()
  await other.close()
})

/** Only the origin itself may be reached: everything else on loopback is somebody else's. */
function guarded(timeoutMs = 10_000) {
  return createGuardedFetch({ allowList: [origin.authority], timeoutMs })
}

describe.each(HTTP_KINDS)('a file of $title', ({ file, settings }) => {
  const open = (options: Partial<SourceOptions> = {}) =>
    openSource(file(origin.base), { fetch: guarded(), ...settings(origin.base), ...options })
  const probe = (options: { checksum?: boolean; maxChecksumBytes?: number; fetch?: SourceOptions['fetch'] } = {}) =>
    probeSource(file(origin.base), 3, {
      fetch: guarded(),
      checksum: false,
      maxChecksumBytes: MIB,
      ...settings(origin.base),
      ...options,
    })
  const INVALID = { index: 3, type: file('http://x.example').type, valid: false }

  it('is read whole, with what its origin said of it, in one request', async () => {
    origin.serve(good)
    const source = await open()
    expect(source).toMatchObject({
      status: 200,
      contentType: 'text/csv; charset=utf-8',
      contentLength: String(CONTENT.length),
      contentRange: null,
      etag: ETAG,
    })
    expect(await buffer(source.body)).toEqual(CONTENT)
    expect(origin.requests).toHaveLength(1)
  })

  it('is probed in one request', async () => {
    origin.serve(good)
    expect(await probe({ checksum: true })).toMatchObject({
      index: 3,
      valid: true,
      contentType: 'text/csv',
      contentLength: String(CONTENT.length),
      checksum: createHash('sha256').update(CONTENT).digest('hex'),
      checksumType: 'sha256',
    })
    expect(origin.requests).toHaveLength(1)
  })

  it.each([
    ['as the origin says', good],
    ['as it turns out', (_request, response) => response.writeHead(200).end(CONTENT)],
  ] satisfies [string, Serve][])('behaviour: a file above the limit is not hashed (%s)', async (_how, serve) => {
    origin.serve(serve)
    const info = await probe({ checksum: true, maxChecksumBytes: CONTENT.length - 1 })
    expect(info).toMatchObject({ valid: true })
    expect(info).not.toHaveProperty('checksum')
    expect(info).not.toHaveProperty('checksumType')
  })

  it.each([
    ['bytes=5-8', 'wage', 'bytes 5-8/20'],
    ['bytes=10-', '1985,9.02\n', 'bytes 10-19/20'],
  ])('gives a range as its origin does (%s)', async (range, want, contentRange) => {
    origin.serve(good)
    const source = await open({ range })
    expect(source).toMatchObject({ status: 206, contentRange, contentLength: String(want.length), etag: ETAG })
    expect(await text(source.body)).toBe(want)
    expect(origin.requests.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity'])
  })

  it('gives back that a range lies outside', async () => {
    origin.serve(good)
    const source = await open({ range: 'bytes=20-' })
    expect(source).toMatchObject({ status: 416, contentRange: 'bytes */20' })
    source.body.destroy()
  })

  it('behaviour: a range on condition is the whole file once that changed', async () => {
    origin.serve(good)
    const [same, changed] = [
      await open({ range: 'bytes=5-8', ifRange: ETAG }),
      await open({ range: 'bytes=5-8', ifRange: '"v0"' }),
    ]
    expect([same.status, changed.status]).toEqual([206, 200])
    expect(await text(same.body)).toBe('wage')
    expect(await buffer(changed.body)).toEqual(CONTENT)
  })

  it('behaviour: a condition without a range is not sent', async () => {
    origin.serve(good)
    await text((await open({ ifRange: ETAG })).body)
    expect(origin.requests[0]?.headers).not.toHaveProperty('if-range')
  })

  it.each([404, 403, 500, 503, 204])('error: status %i is given back, and is no file to a probe', async (status) => {
    origin.serve((_request, response) => response.writeHead(status).end())
    const source = await open()
    expect(source.status).toBe(status)
    source.body.destroy()
    expect(await probe({ checksum: true })).toEqual(INVALID)
    expect(origin.requests).toHaveLength(2)
  })

  it('error: a range nobody asked for is no whole file to a probe', async () => {
    origin.serve((_request, response) => response.writeHead(206, { 'Content-Range': 'bytes 0-1/20' }).end('ye'))
    expect(await probe()).toEqual(INVALID)
  })

  it('error: an origin that is silent is given up', async () => {
    origin.serve(() => {})
    await expect(open({ fetch: guarded(200) })).rejects.toMatchObject(UNAVAILABLE)
    expect(await probe({ fetch: guarded(200) })).toEqual(INVALID)
  })

  it('error: an origin that falls silent within the file is given up', async () => {
    origin.serve((_request, response) => response.writeHead(200, { 'Content-Length': '20' }).write('year'))
    const read = open({ fetch: guarded(200) }).then((source) => buffer(source.body))
    await expect(read).rejects.toMatchObject(UNAVAILABLE)
  })

  it('error: an origin that is not there', async () => {
    const { base } = origin
    await origin.close()
    await expect(openSource(file(base), { fetch: guarded(), ...settings(base) })).rejects.toMatchObject(UNAVAILABLE)
    origin = await startOrigin()
  })

  it.each([
    ['with a length', { 'Content-Length': '20' }],
    ['in chunks', {}],
    ['within a compressed form', { 'Content-Encoding': 'gzip', 'Content-Length': '200' }],
  ])('error: a connection cut %s is never a whole file', async (_how, head) => {
    origin.serve((_request, response) => {
      response.writeHead(200, head)
      const part = 'Content-Encoding' in head ? gzipSync(CONTENT).subarray(0, 12) : CONTENT.subarray(0, 12)
      response.write(part, () => response.destroy())
    })
    const source = await open()
    await expect(buffer(source.body)).rejects.toMatchObject(UNAVAILABLE)
    expect(await probe({ checksum: true })).toEqual(INVALID)
  })

  it('error: a range shorter than it says is not passed off as one', async () => {
    origin.serve((_request, response) => response.writeHead(206, { 'Content-Range': 'bytes 0-9/20' }).end('year,'))
    const source = await open({ range: 'bytes=0-9' })
    await expect(buffer(source.body)).rejects.toMatchObject(UNAVAILABLE)
  })

  it('behaviour: a compressed file is given decoded, without the length of what was sent', async () => {
    origin.serve((_request, response) => {
      const packed = gzipSync(CONTENT)
      response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': packed.length, ETag: ETAG }).end(packed)
    })
    const source = await open()
    expect(source).toMatchObject({ status: 200, contentLength: null, etag: ETAG })
    expect(await buffer(source.body)).toEqual(CONTENT)
    expect(await probe({ checksum: true })).toMatchObject({
      contentLength: '',
      checksum: createHash('sha256').update(CONTENT).digest('hex'),
    })
  })

  it('error: a range of a compressed form is no range of the file', async () => {
    origin.serve((_request, response) => {
      const part = gzipSync(CONTENT).subarray(0, 10)
      response.writeHead(206, { 'Content-Encoding': 'gzip', 'Content-Range': 'bytes 0-9/40' }).end(part)
    })
    await expect(open({ range: 'bytes=0-9' })).rejects.toMatchObject(UNAVAILABLE)
  })

  it('error: a redirect to a private address is refused before it is asked', async () => {
    origin.serve((_request, response) => response.writeHead(302, { Location: `${other.base}/secret` }).end())
    await expect(open()).rejects.toMatchObject(UNAVAILABLE)
    expect(await probe()).toEqual(INVALID)
    expect(other.requests).toEqual([])
  })

  it.each([
    ['folders', 'attachment; filename="../../etc/passwd"', 'passwd'],
    ['folders of another system', 'attachment; filename="..\\\\..\\\\boot.ini"', 'boot.ini'],
    ['nothing but a folder', 'attachment; filename=".."', 'file'],
    ['a second header', "attachment; filename*=UTF-8''a%0D%0ASet-Cookie:%20x=1", 'aSet-Cookie: x=1'],
    ['a second parameter', "attachment; filename*=UTF-8''a%22%3B%20b", 'a b'],
    ['a zero byte', "attachment; filename*=UTF-8''a%00.csv", 'a.csv'],
    ['another script', "attachment; filename*=UTF-8''%E5%B7%A5%E8%B3%87.csv", '工資.csv'],
    ['nothing at all', 'attachment', null],
  ])('behaviour: a name that holds %s is offered safely', async (_what, disposition, want) => {
    origin.serve((_request, response) => response.writeHead(200, { 'Content-Disposition': disposition }).end('x'))
    const source = await open()
    if (want !== null && want !== 'file') expect(source.filename).toBe(want)
    expect(source.filename).toMatch(/^[^\p{Cc}/\\";]+$/u)
    expect(source.filename).not.toMatch(/^\.+$/)
    await text(source.body)
  })

  it('behaviour: a large body flows through a memory that stays flat', async () => {
    const totalBytes = 384 * MIB
    origin.serve(serveZeros(totalBytes).serve)
    const source = await open()
    const before = memoryBytes()
    let [seenBytes, highest] = [0, 0]
    for await (const chunk of source.body as AsyncIterable<Buffer>) {
      seenBytes += chunk.length
      highest = Math.max(highest, memoryBytes() - before)
    }
    expect(seenBytes).toBe(totalBytes)
    expect(highest).toBeLessThan(160 * MIB)
  })

  it('behaviour: an origin is not read faster than its reader, and let go when the reader goes', async () => {
    const zeros = serveZeros(1024 * MIB)
    origin.serve(zeros.serve)
    const source = await open()
    source.body.resume()
    await once(source.body, 'data')
    source.body.pause()
    while ((await growth(zeros.sentBytes)) > 0);
    expect(zeros.sentBytes()).toBeLessThan(64 * MIB)
    source.body.destroy()
    await zeros.closed
  })

  it('behaviour: a caller that goes away ends the request', async () => {
    const zeros = serveZeros(1024 * MIB)
    origin.serve(zeros.serve)
    const gone = new AbortController()
    const source = await open({ signal: gone.signal })
    gone.abort()
    await expect(buffer(source.body)).rejects.toThrow()
    await zeros.closed
  })
})

/** An origin that sends zeros as fast as they are taken. */
function serveZeros(totalBytes: number): { serve: Serve; sentBytes: () => number; closed: Promise<void> } {
  const block = Buffer.alloc(MIB / 4)
  let sentBytes = 0
  let markClosed = () => {}
  const closed = new Promise<void>((resolve) => {
    markClosed = resolve
  })
  return {
    sentBytes: () => sentBytes,
    closed,
    serve(_request, response) {
      response.once('close', markClosed)
      response.writeHead(200, { 'Content-Length': totalBytes })
      const send = () => {
        while (sentBytes < totalBytes && !response.destroyed) {
          sentBytes += block.length
          if (!response.write(block)) {
            response.once('drain', send)
            return
          }
        }
        response.end()
      }
      send()
    },
  }
}

function memoryBytes(): number {
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

/** How much a count grows while nobody reads. */
async function growth(count: () => number): Promise<number> {
  const before = count()
  await pause(250)
  return count() - before
}
