import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const CHUNK = Buffer.alloc(64 * 1024, 'c2d ')
const SIZED = /^\/sized\/(\d+)$/

/**
 * All that a provider asks: operator-service, metadata cache and origin of files, doing as little as possible. What is
 * PUT under a path is the answer to every other method there; `/sized/N` has N bytes, made as they are read.
 */
export function serveUpstream(port: number): void {
  const kept = new Map<string, Buffer>()

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split('?', 1)[0] ?? '/'
    const size = SIZED.exec(path)?.[1]
    if (size !== undefined) {
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': size })
      // Who goes away is gone: nothing is left to do for them.
      pipeline(Readable.from(chunksOf(Number(size))), response).catch(() => response.destroy())
      return
    }
    if (request.method === 'PUT') {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        kept.set(path, Buffer.concat(chunks))
        response.end()
      })
      return
    }
    const body = kept.get(path)
    request.resume()
    request.on('end', () => {
      const headers = { 'Content-Type': 'application/json', 'Content-Length': body?.length ?? 0 }
      response.writeHead(body ? 200 : 404, headers).end(body)
    })
  }

  createServer(answer).listen(port, '127.0.0.1')
}

function* chunksOf(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= CHUNK.length) yield left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
}
