import { connect, type Socket } from 'node:net'

/** Requests as bytes, over connections that stay open. */
export interface Load {
  port: number
  connections: number
  /** The next request, whole; undefined ends the load. */
  next: () => Buffer | undefined
}

/** What came of it. */
export interface LoadResult {
  requestsPerSecond: number
  /** How long each answer took, in milliseconds. */
  latenciesMs: number[]
}

const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * Sends requests to 127.0.0.1, one after the other on each connection. It knows just enough of HTTP to find the end of
 * an answer, and so costs little beside what it measures.
 * @throws Error for an answer that is not 200, has no Content-Length, or does not come
 */
export async function generateLoad(load: Load): Promise<LoadResult> {
  const latenciesMs: number[] = []
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: load.connections }, () => runConnection(load, latenciesMs)))
  return { requestsPerSecond: latenciesMs.length / ((performance.now() - startedAt) / 1000), latenciesMs }
}

/** Repeats one request for some time. */
export function repeatFor(seconds: number, request: Buffer): () => Buffer | undefined {
  const endsAt = performance.now() + seconds * 1000
  return () => (performance.now() < endsAt ? request : undefined)
}

/** A request as bytes. */
export function buildRequest(method: string, path: string, body?: string): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1']
  if (body !== undefined) head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`)
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`)
}

function runConnection({ port, next }: Load, latenciesMs: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let answer: Buffer = Buffer.alloc(0)
    let sentAt = 0

    const send = (): void => {
      const request = next()
      if (request) {
        sentAt = performance.now()
        socket.write(request)
      } else {
        resolve()
        socket.destroy()
      }
    }
    const fail = (error: Error): void => {
      reject(error)
      socket.destroy()
    }
    socket.on('connect', send)
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('a connection was closed before its answer came'))) // too late once resolved
    socket.on('data', (chunk) => {
      answer = answer.length === 0 ? chunk : Buffer.concat([answer, chunk])
      const headEnd = answer.indexOf(HEAD_END)
      if (headEnd === -1) return
      const head = answer.toString('latin1', 0, headEnd)
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
      if (length === undefined || !head.startsWith('HTTP/1.1 200')) {
        fail(new Error(`an answer that the load does not expect:\n${answer.toString()}`))
        return
      }
      if (answer.length < headEnd + HEAD_END.length + Number(length)) return
      answer = Buffer.alloc(0)
      latenciesMs.push(performance.now() - sentAt)
      send()
    })
  })
}
