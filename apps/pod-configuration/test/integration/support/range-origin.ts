import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What an origin was asked, in order. */
export interface Asked {
  method: string
  path: string
  headers: IncomingMessage['headers']
}

export type Serve = (request: IncomingMessage, response: ServerResponse, asked: readonly Asked[]) => void

/** A real HTTP server on loopback that behaves as its test says. */
export interface RangeOrigin {
  base: string
  /** `host:port`, as an allow list wants it. */
  authority: string
  asked: Asked[]
  close(): Promise<void>
}

export async function startRangeOrigin(serve: Serve): Promise<RangeOrigin> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    asked.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers })
    serve(request, response, asked)
  })
  server.keepAliveTimeout = 0 // a connection that nobody gives back stays taken
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    base: `http://${authority}`,
    authority,
    asked,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The part of a content that a request asks for; null for the whole, and where `If-Range` names another version. */
export function partOf(
  request: IncomingMessage,
  sizeBytes: number,
  version: string,
): { from: number; to: number } | null {
  const { range, 'if-range': condition } = request.headers
  const bounds = /^bytes=(\d+)-(\d*)$/.exec(range ?? '')
  if (!bounds || (condition !== undefined && condition !== version)) return null
  return { from: Number(bounds[1]), to: bounds[2] ? Math.min(Number(bounds[2]) + 1, sizeBytes) : sizeBytes }
}

/** Serves a content as a good origin does. */
export function serveContent(content: Buffer, etag = '"v1"'): Serve {
  return (request, response) => {
    const part = partOf(request, content.length, etag)
    const head = { ETag: etag, 'Accept-Ranges': 'bytes', 'Content-Type': 'text/csv' }
    if (!part) response.writeHead(200, { ...head, 'Content-Length': content.length }).end(content)
    else {
      response.writeHead(206, {
        ...head,
        'Content-Length': part.to - part.from,
        'Content-Range': `bytes ${part.from}-${part.to - 1}/${content.length}`,
      })
      response.end(content.subarray(part.from, part.to))
    }
  }
}

/** Sends a body slowly: so many bytes every so often, until done or hung up on. */
export function trickle(response: ServerResponse, content: Buffer, bytes: number, everyMs: number): void {
  let at = 0
  const timer = setInterval(() => {
    if (at >= content.length || response.destroyed) {
      clearInterval(timer)
      response.end()
      return
    }
    response.write(content.subarray(at, at + bytes))
    at += bytes
  }, everyMs)
}
