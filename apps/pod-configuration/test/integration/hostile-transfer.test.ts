import { randomBytes } from 'node:crypto'
import { type Stage } from '@c2d/contracts'
import { describe, expect, it } from '@jest/globals'
import { expectNothing, MIB, sha256, stage, staged, start, startRaw, world } from './support/hostile-origins.ts'
import { partOf, serveContent, trickle } from './support/range-origin.ts'
import { DATA, stageOf } from './support/staging-world.ts'

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
})
