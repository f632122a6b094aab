import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Duplex, type Readable } from 'node:stream'
import { AppError } from '@c2d/runtime'
import { borrowBuffer, LendingStream, returnBuffer } from '@c2d/storage'
import { parseResponseHead } from './response-head.ts'
import { requestUpstream } from './upstream-request.ts'

/** An answer whose body is still to be read. */
export interface Transfer {
  status: number
  headers: IncomingHttpHeaders
  body: Readable
}

interface TransferOptions {
  headers: Readonly<Record<string, string>>
  /** How long the peer may say nothing while we are listening. */
  timeoutMs: number
  signal: AbortSignal
}

const MAX_HEAD_BYTES = 64 * 1024

/**
 * GETs something large from a peer that the operator configured: what `requestUpstream` does, for bodies that only pass
 * through. They come off the socket into borrowed buffers and never meet Node's parser, which copies every byte of a
 * body into memory of its own: many transfers at once would fill it with garbage. What has no length, and what is
 * encrypted, goes the ordinary way.
 * @throws AppError `UpstreamUnavailable` when it does not answer
 */
export function openTransfer(url: URL, options: TransferOptions): Promise<Transfer> {
  if (url.protocol !== 'http:') {
    return requestUpstream(url, { method: 'GET', ...options, headers: { ...options.headers }, isTransfer: true })
  }
  return new Promise((resolve, reject) => {
    /** What came of the head before its end. */
    let head: Buffer = Buffer.alloc(0)
    /** What the next bytes are read into. */
    let next: Buffer | null = null
    /** Takes everything after the head. */
    let sink: BodySink | null = null

    const socket = connect({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 80),
      onread: {
        buffer: () => (next = borrowBuffer()),
        callback(bytes, buffer) {
          const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, bytes)
          if (sink) sink.receive(chunk)
          else readHead(chunk)
          return true // the buffer is lent from here on; a `false` would have the next bytes read into it
        },
      },
    })

    function readHead(chunk: Buffer): void {
      const read = head.length === 0 ? chunk : Buffer.concat([head, chunk])
      if (read !== chunk) returnBuffer(chunk)
      const end = read.indexOf('\r\n\r\n')
      if (end < 0) {
        head = Buffer.from(read)
        returnBuffer(read)
        if (head.length > MAX_HEAD_BYTES) socket.destroy(new Error('the head has no end'))
        return
      }
      const parsed = parseResponseHead(read.toString('latin1', 0, end))
      if (parsed) {
        const body = new TransferBody(socket, parsed.length)
        sink = body
        body.receive(read.subarray(end + 4)) // mostly the first of the body came along: it is lent on as it is
        resolve({ status: parsed.status, headers: parsed.headers, body })
      } else {
        const replay = new Replay(socket)
        sink = replay
        replay.receive(read)
        parseWhole(url, replay).then(resolve, reject)
      }
    }

    const abort = (): void => void socket.destroy(new Error('nobody waits for it any more'))
    socket.setTimeout(options.timeoutMs, () => {
      if (!sink?.isReaderSlow()) socket.destroy(new Error(`no answer in ${options.timeoutMs} ms`))
    })
    socket.on('error', () => undefined) // told with the close
    socket.once('close', () => {
      options.signal.removeEventListener('abort', abort)
      if (next) returnBuffer(next) // nothing is read into it any more
      if (sink) sink.close(socket.errored)
      else reject(new AppError('UpstreamUnavailable', { cause: socket.errored ?? cut() }))
    })
    if (options.signal.aborted) abort()
    else options.signal.addEventListener('abort', abort, { once: true })
    socket.write(buildRequest(url, options.headers))
  })
}

function buildRequest(url: URL, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ ...headers, Host: url.host, Connection: 'close' }).map(([name, value]) => {
    if (/[\r\n]/.test(name + value)) throw new AppError('InvalidRequest') // Node's parser lets none in either
    return `${name}: ${value}\r\n`
  })
  return `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`
}

interface BodySink {
  receive(chunk: Buffer): void
  /** Bytes that nobody took yet: the reader is slow, not the peer. */
  isReaderSlow(): boolean
  /** The socket is closed. */
  close(error: Error | null): void
}

/** A body of known length, straight off the socket. */
class TransferBody extends LendingStream implements BodySink {
  readonly #socket: Socket
  #left: number

  constructor(socket: Socket, length: number) {
    super()
    this.on('error', () => undefined) // may come before its reader does, who then finds it destroyed
    this.#socket = socket
    this.#left = length
    if (length === 0) this.#end()
  }

  receive(chunk: Buffer): void {
    if (chunk.length === 0 || this.destroyed) {
      returnBuffer(chunk)
      return
    }
    if (chunk.length > this.#left) {
      this.destroy(new Error('more came than was promised'))
      return
    }
    this.#left -= chunk.length
    if (!this.push(chunk)) this.#socket.pause()
    if (this.#left === 0) this.#end()
  }

  isReaderSlow(): boolean {
    return this.readableLength > 0
  }

  close(error: Error | null): void {
    if (this.#left > 0) this.destroy(error ?? cut())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  #end(): void {
    this.push(null)
    this.#socket.end()
  }
}

/** Everything off the socket, for Node's own parser. */
class Replay extends Duplex implements BodySink {
  readonly #socket: Socket

  constructor(socket: Socket) {
    super()
    this.#socket = socket
  }

  receive(chunk: Buffer): void {
    if (!this.push(Buffer.from(chunk))) this.#socket.pause()
    returnBuffer(chunk)
  }

  isReaderSlow(): boolean {
    return this.readableLength > 0 || this.#socket.isPaused()
  }

  close(error: Error | null): void {
    if (error) this.destroy(error)
    else this.push(null)
  }

  override _read(): void {
    this.#socket.resume()
  }

  /** The request went out long ago. */
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}

function parseWhole(url: URL, replay: Replay): Promise<Transfer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { createConnection: () => replay }) // an agent would connect by itself
    request.on('error', (cause) => reject(new AppError('UpstreamUnavailable', { cause })))
    request.on('response', (body) => resolve({ status: body.statusCode ?? 0, headers: body.headers, body }))
    request.end()
  })
}

function cut(): Error {
  return Object.assign(new Error('the connection was cut'), { code: 'ECONNRESET' })
}
