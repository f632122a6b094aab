import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openTransfer } from '../../src/clients/open-transfer.ts'

const bytes = randomBytes(3 * 1024 * 1024 + 7)

describe('openTransfer', () => {
  let server: Server
  let answer: (socket: Socket, request: string) => void
  const sockets = new Set<Socket>()

  beforeEach(async () => {
    server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined))
      socket.once('data', (data: Buffer) => answer(socket, data.toString()))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  const open = (init: { timeoutMs?: number; signal?: AbortSignal; headers?: Record<string, string> } = {}) =>
    openTransfer(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a?b=c`), {
      headers: init.headers ?? {},
      timeoutMs: init.timeoutMs ?? 5_000,
      signal: init.signal ?? new AbortController().signal,
    })

  async function read(): Promise<Buffer> {
    const { body } = await open()
    const chunks: Buffer[] = []
    for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks)
  }

  it('default: asks as it was told and gives what was answered', async () => {
    let asked = ''
    answer = (socket, request) => {
      asked = request
      socket.end('HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\nETag: "x"\r\n\r\nok')
    }
    const { status, headers, body } = await open({ headers: { Range: 'bytes=0-1' } })
    expect(asked).toMatch(/^GET \/a\?b=c HTTP\/1\.1\r\nRange: bytes=0-1\r\nHost: 127\.0\.0\.1:\d+\r\n/)
    expect([status, headers.etag, String(await body.toArray())]).toEqual([206, '"x"', 'ok'])
  })

  it('behaviour: a head in pieces and a body in bursts arrive as they were sent', async () => {
    answer = (socket) => {
      void (async () => {
        const head = `HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`
        for (const part of [head.slice(0, 9), head.slice(9, 30), head.slice(30)]) {
          socket.write(part)
          await sleep(5)
        }
        for (let at = 0; at < bytes.length; at += 300_001) {
          socket.write(bytes.subarray(at, at + 300_001))
          await sleep(1)
        }
        socket.end()
      })()
    }
    expect((await read()).equals(bytes)).toBe(true)
  })

  it('behaviour: a body in chunks is read too', async () => {
    answer = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      setTimeout(() => socket.end('6\r\n world\r\n0\r\n\r\n'), 10)
    }
    expect(String(await read())).toBe('hello world')
  })

  it('behaviour: a reader that waits loses nothing, and a slow one is not taken for a silent peer', async () => {
    answer = (socket) =>
      socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`), bytes]))
    const { body } = await open({ timeoutMs: 100 })
    await sleep(400)
    const chunks: Buffer[] = []
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(Buffer.from(chunk))
      if (chunks.length % 10 === 0) await sleep(20)
    }
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
  })

  it.each([
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('error: a body %s that ends too early is no short body', async (_, text) => {
    answer = (socket) => socket.end(text)
    await expect(read()).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('error: more than was promised, a peer that says nothing, one that hangs up, and one that is not there', async () => {
    answer = (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nfar too much')
    await expect(read()).rejects.toThrow('more came')
    answer = () => undefined
    await expect(open({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
    answer = (socket) => socket.destroy()
    await expect(open()).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
    const gone = open({ signal: AbortSignal.abort() })
    await expect(gone).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
    const nobody = openTransfer(new URL('http://127.0.0.1:1/'), {
      headers: {},
      timeoutMs: 1_000,
      signal: new AbortController().signal,
    })
    await expect(nobody).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
  })

  it('behaviour: who goes away lets the peer go', async () => {
    const closed = new Promise((resolve) => {
      answer = (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
        socket.once('close', resolve)
      }
    })
    const controller = new AbortController()
    const { body } = await open({ signal: controller.signal })
    body.on('error', () => undefined)
    controller.abort()
    await closed
    expect(body.destroyed).toBe(true)
  })

  it('error: no header value starts another header', () => {
    answer = () => undefined
    return expect(open({ headers: { Range: 'bytes=0-1\r\nX: y' } })).rejects.toMatchObject({ code: 'InvalidRequest' })
  })
})
