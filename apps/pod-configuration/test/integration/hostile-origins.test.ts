import { createHash, randomBytes } from 'node:crypto'
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { didSuffix, type Stage } from '@c2d/contracts'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  partOf,
  serveContent,
  startRangeOrigin,
  trickle,
  type RangeOrigin,
  type Serve,
} from './support/range-origin.ts'
import {
  createStagingWorld,
  DATA,
  MORE_DATA,
  stageOf,
  type RunOptions,
  type StagingWorld,
} from './support/staging-world.ts'

const MIB = 1024 ** 2
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex')

let world: StagingWorld
let origins: { close(): Promise<void> }[]
beforeEach(async () => {
  world = await createStagingWorld()
  origins = []
})
afterEach(async () => {
  await Promise.all(origins.map((origin) => origin.close()))
  await world.end()
})

async function start(serve: Serve): Promise<RangeOrigin> {
  const origin = await startRangeOrigin(serve)
  origins.push(origin)
  return origin
}

/** A server that speaks whatever bytes a test wants, to whoever connects. */
async function startRaw(
  onConnection: (socket: Socket, count: number) => void,
): Promise<{ url: string; allow: string[] }> {
  const sockets = new Set<Socket>()
  let count = 0
  const server: TcpServer = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => onConnection(socket, ++count))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origins.push({
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  })
  const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url: `http://${authority}/file`, allow: [authority] }
}

/** Several connections at once, whatever the size. */
const SPLIT = { splitFromBytes: 1, maxLanes: 4 }

async function stage(origin: RangeOrigin, options: Partial<RunOptions> = {}, over: Partial<Stage> = {}) {
  return world.run(stageOf({ [DATA]: `${origin.base}/file` }, over), { allow: [origin.authority], ...options })
}

const staged = (index = 0): Promise<Buffer> => readFile(join(world.root, 'inputs', didSuffix(DATA), String(index)))

async function expectNothing(): Promise<void> {
  expect(await readdir(join(world.root, 'inputs', didSuffix(DATA)))).toEqual([])
  expect(await readdir(join(world.root, 'inputs'))).toEqual([didSuffix(DATA)])
}

describe('an origin that', () => {
  it('serves a large file slowly to each connection is asked by several, and the whole is the file', async () => {
    const content = randomBytes(24 * MIB)
    const origin = await start((request, response) => {
      const part = partOf(request, content.length, '"v1"') ?? { from: 0, to: content.length }
      const isPart = request.headers.range !== undefined
      response.writeHead(isPart ? 206 : 200, {
        ETag: '"v1"',
        'Content-Length': part.to - part.from,
        ...(isPart ? { 'Content-Range': `bytes ${part.from}-${part.to - 1}/${content.length}` } : {}),
      })
      trickle(response, content.subarray(part.from, part.to), 256 * 1024, 10)
    })
    const result = await stage(origin)
    expect(result).toMatchObject({ status: 30 })
    expect(result.files[0]).toMatchObject({ sizeBytes: content.length, sha256: sha256(content) })
    expect(sha256(await staged())).toBe(sha256(content))
    const ranged = origin.asked.filter((one) => one.headers.range !== undefined)
    expect(ranged.length).toBeGreaterThan(1)
    expect(new Set(ranged.map((one) => one.headers['if-range']))).toEqual(new Set(['"v1"']))
    expect(world.progress.read()).toEqual({
      bytes: content.length,
      expectedBytes: content.length,
      filesDone: 1,
      files: 1,
    })
  })

  it('error: sends nothing for too long is given up, after several tries', async () => {
    const origin = await start((_request, response) => {
      response.writeHead(200, { 'Content-Length': 1000 })
      response.write('x')
    })
    const result = await stage(origin, { transfer: { idleTimeoutMs: 60 } })
    expect(result).toMatchObject({ status: 31, reason: 'InputFetchFailed' })
    expect(result.message).toContain('stopped sending')
    expect(origin.asked).toHaveLength(5)
    await expectNothing()
  })

  it('error: trickles single bytes for ever is given up too', async () => {
    const origin = await start((_request, response) => {
      response.writeHead(200, { 'Content-Length': 1_000_000 })
      trickle(response, Buffer.alloc(1_000_000), 1, 5)
    })
    expect(await stage(origin, { transfer: { idleTimeoutMs: 60 } })).toMatchObject({ status: 31 })
    await expectNothing()
  })

  it('error: never answers is given up', async () => {
    const { url, allow } = await startRaw(() => undefined)
    const result = await world.run(stageOf({ [DATA]: url }), { allow, transfer: { idleTimeoutMs: 60 } })
    expect(result).toMatchObject({ status: 31 })
    expect(result.message).toContain('does not answer')
  })

  it('cuts the connection mid-way is asked for the rest, and only for that', async () => {
    const content = randomBytes(3 * MIB)
    const good = serveContent(content)
    const origin = await start((request, response, asked) => {
      if (asked.length > 3) {
        good(request, response, asked)
        return
      }
      const part = partOf(request, content.length, '"v1"') ?? { from: 0, to: content.length }
      const head = { ETag: '"v1"', 'Content-Length': part.to - part.from }
      if (request.headers.range === undefined) response.writeHead(200, head)
      else {
        response.writeHead(206, { ...head, 'Content-Range': `bytes ${part.from}-${part.to - 1}/${content.length}` })
      }
      response.write(content.subarray(part.from, part.from + 700_000), () => setTimeout(() => response.destroy(), 20))
    })
    expect(await stage(origin)).toMatchObject({ status: 30, files: [{ sha256: sha256(content) }] })
    const starts = origin.asked.map((one) => Number(/bytes=(\d+)/.exec(one.headers.range ?? '')?.[1] ?? 0))
    expect(starts).toEqual([...starts].sort((a, b) => a - b))
    expect(starts.at(-1)).toBeGreaterThan(0)
    expect((await staged()).equals(content)).toBe(true)
  })

  it('cuts mid-way and has no version to hold it to is asked for the whole again', async () => {
    const content = randomBytes(MIB)
    const origin = await start((_request, response, asked) => {
      response.writeHead(200, { 'Content-Length': content.length })
      if (asked.length < 3) response.write(content.subarray(0, 500_000), () => setTimeout(() => response.destroy(), 20))
      else response.end(content)
    })
    expect(await stage(origin)).toMatchObject({ status: 30, files: [{ sha256: sha256(content) }] })
    expect(origin.asked.map((one) => one.headers.range)).toEqual([undefined, undefined, undefined])
  })

  it('error: promises more than it sends, again and again, leaves nothing behind', async () => {
    const { url, allow } = await startRaw((socket) => {
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n${'x'.repeat(3000)}`)
    })
    const result = await world.run(stageOf({ [DATA]: url }), { allow })
    expect(result).toMatchObject({ status: 31, reason: 'InputFetchFailed' })
    expect(result.message).not.toMatch(/127\.0\.0\.1|http:/)
    await expectNothing()
  })

  it('error: promises less than it sends gives what it promised, which a checksum then refuses', async () => {
    const content = 'x'.repeat(5000)
    const { url, allow } = await startRaw((socket) => {
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 3000\r\nConnection: close\r\n\r\n${content}`)
    })
    const stageWith = (checked: string): Stage => ({
      ...stageOf({}),
      input: [{ id: DATA, url, checkedFiles: [checked] }],
    })
    expect(await world.run(stageWith(sha256(Buffer.from(content))), { allow })).toMatchObject({
      status: 31,
      reason: 'InputRejected',
    })
    await expectNothing()
    expect(await world.run(stageWith(sha256(Buffer.from(content.slice(0, 3000)))), { allow })).toMatchObject({
      status: 30,
    })
    expect(await staged()).toHaveLength(3000)
  })

  it('error: tells two lengths in one head is not believed', async () => {
    const { url, allow } = await startRaw((socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabcde')
    })
    expect(await world.run(stageOf({ [DATA]: url }), { allow })).toMatchObject({ status: 31 })
    await expectNothing()
  })

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

describe('room', () => {
  it('error: a file that is larger than the volume is refused before its bytes arrive', async () => {
    const origin = await start((_request, response) => {
      response.writeHead(200, { 'Content-Length': 5_000 * MIB })
      response.write(Buffer.alloc(1000))
    })
    const result = await stage(origin, { freeBytes: () => Promise.resolve(1_000 * MIB) })
    expect(result).toMatchObject({ status: 31, reason: 'InputTooLarge' })
    expect(result.message).toMatch(/not enough room/)
    expect(origin.asked).toHaveLength(1)
    await expectNothing()
  })

  it('error: an endless body ends at the limit of the job', async () => {
    const origin = await start((_request, response) => {
      response.writeHead(200)
      const chunk = Buffer.alloc(64 * 1024)
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    const result = await stage(origin, { settings: { maxBytes: 20 * MIB } })
    expect(result).toMatchObject({ status: 31, reason: 'InputTooLarge' })
    await expectNothing()
  })

  it('error: files that fit one by one, and not together, are refused', async () => {
    const origin = await start(serveContent(Buffer.alloc(6 * MIB)))
    const urls = [1, 2, 3, 4].map((one) => `${origin.base}/${one}`)
    const result = await world.run(stageOf({ [DATA]: urls }), {
      allow: [origin.authority],
      freeBytes: () => Promise.resolve(30 * MIB),
    })
    expect(result).toMatchObject({ status: 31, reason: 'InputTooLarge' })
  })

  it('error: more files than a job may have are refused before any is fetched', async () => {
    const origin = await start(serveContent(Buffer.from('x')))
    const urls = Array.from({ length: 11 }, (_, index) => `${origin.base}/${index}`)
    const result = await world.run(stageOf({ [DATA]: urls }), { allow: [origin.authority], settings: { maxFiles: 10 } })
    expect(result).toMatchObject({ status: 31, reason: 'InputTooLarge' })
    expect(origin.asked).toEqual([])
  })
})

describe('wrong bytes', () => {
  it('error: of an algorithm end as 32, of a dataset as 31', async () => {
    const origin = await start(serveContent(Buffer.from('not what was checked')))
    const checkedFiles = [sha256(Buffer.from('what was checked'))]
    const { algorithm } = stageOf({})
    const asAlgorithm = {
      ...stageOf({}),
      algorithm: { ...algorithm, rawcode: '', url: `${origin.base}/a`, checkedFiles },
    }
    const allow = [origin.authority]
    expect(await world.run(asAlgorithm, { allow })).toMatchObject({ status: 32, reason: 'AlgorithmRejected' })
    expect(await readdir(join(world.root, 'transformations'))).toEqual([])
    const asInput = { ...stageOf({}), input: [{ id: DATA, url: `${origin.base}/a`, checkedFiles }] }
    expect(await world.run(asInput, { allow })).toMatchObject({ status: 31, reason: 'InputRejected' })
    await expectNothing()
  })
})

describe('names from outside', () => {
  it.each([
    [`did:op:${'x'.repeat(256)}`, 'is too long for a folder'],
    [`did:op:${'é'.repeat(128)}`, 'is too long in bytes'],
    ['did:op:a/../../b', 'leads elsewhere'],
    ['did:op:a\\..\\b', 'leads elsewhere elsewhere'],
    ['did:op:a\0b', 'ends early'],
    ['did:op:a\nb', 'forges a line of the log'],
    ['did:op:manifest.json', 'is a file of ours'],
    ['did:op:algoCustomData.json', 'is a file of ours too'],
    ['did:op:.partial', 'is a folder of ours'],
  ])('error: an id %j (%s) is refused, of a dataset and of an algorithm', async (id, _why) => {
    const origin = await start(serveContent(Buffer.from('x')))
    const allow = [origin.authority]
    const options = { allow, metadataUri: origin.base }
    expect(await world.run(stageOf({ [id]: `${origin.base}/x` }), options)).toMatchObject({ status: 31 })
    const algorithm = { ...stageOf({}).algorithm, id, rawcode: '', url: `${origin.base}/x` }
    expect(await world.run(stageOf({}, { algorithm }), options)).toMatchObject({ status: 32 })
    expect(origin.asked).toEqual([])
    expect((await readdir(world.root)).sort()).toEqual(['ddos', 'inputs', 'logs', 'outputs', 'transformations'])
  })

  it('behaviour: an id of 255 bytes has a folder', async () => {
    const origin = await start(serveContent(Buffer.from('x')))
    const id = `did:op:${'x'.repeat(255)}`
    expect(await world.run(stageOf({ [id]: `${origin.base}/x` }), { allow: [origin.authority] })).toMatchObject({
      status: 30,
    })
    expect(await readdir(join(world.root, 'inputs', 'x'.repeat(255)))).toEqual(['0'])
  })

  it.each([
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ["attachment; filename*=UTF-8''%E2%82%AC%2F..%2Frates.csv", 'rates.csv'],
    [`attachment; filename="${'n'.repeat(400)}"`, 'n'.repeat(255)],
    [undefined, 'file'],
  ])('behaviour: a name %s is told in the manifest alone', async (disposition, name) => {
    const origin = await start((_request, response) => {
      response.writeHead(200, disposition === undefined ? {} : { 'Content-Disposition': disposition }).end('x')
    })
    const result = await stage(origin)
    expect(result.files[0]).toMatchObject({ name, path: `inputs/${didSuffix(DATA)}/0` })
    expect(await readdir(join(world.root, 'inputs', didSuffix(DATA)))).toEqual(['0'])
  })
})

describe('several inputs', () => {
  it('behaviour: with one id share a folder, and the later one stands, whoever is faster', async () => {
    const origin = await start((request, response) => {
      setTimeout(() => response.end(`from ${request.url}`), request.url?.startsWith('/first') ? 60 : 0)
    })
    const inputs = ['/first', '/second'].map((path) => ({
      id: DATA,
      url: [0, 1].slice(path === '/second' ? 1 : 0).map((index) => `${origin.base}${path}${index}`),
    }))
    const result = await world.run({ ...stageOf({}), input: inputs }, { allow: [origin.authority] })
    expect(result.status).toBe(30)
    expect([(await staged(0)).toString(), (await staged(1)).toString()]).toEqual(['from /second1', 'from /first1'])
  })

  it('behaviour: arrive at the same time', async () => {
    const waiting: (() => void)[] = []
    const origin = await start((_request, response) => {
      // Nobody is served before all six are there.
      waiting.push(() => response.end('x'))
      if (waiting.length === 6) for (const serve of waiting) serve()
    })
    const urls = (name: string) => [1, 2, 3].map((one) => `${origin.base}/${name}${one}`)
    const result = await world.run(stageOf({ [DATA]: urls('a'), [MORE_DATA]: urls('b') }), {
      allow: [origin.authority],
    })
    expect(result.status).toBe(30)
    expect(result.files.map((file) => file.index)).toEqual([0, 1, 2, 0, 1, 2])
  })

  it('behaviour: what an earlier try left half done is gone', async () => {
    await mkdir(join(world.root, 'inputs', '.partial'), { recursive: true })
    await writeFile(join(world.root, 'inputs', '.partial', 'old'), 'half')
    const origin = await start(serveContent(Buffer.from('x')))
    expect(await stage(origin)).toMatchObject({ status: 30 })
    expect((await readdir(join(world.root, 'inputs'))).sort()).toEqual([didSuffix(DATA), 'manifest.json'])
  })
})
