import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What an origin was asked. */
export interface SeenRequest {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: string
}

export type Serve = (request: IncomingMessage, response: ServerResponse) => void

/** A real HTTP server on loopback, playing whatever origin a test needs. */
export interface Origin {
  base: string
  /** `host:port`, as an allow list wants it. */
  authority: string
  requests: SeenRequest[]
  serve(how: Serve): void
  close(): Promise<void>
}

export async function startOrigin(): Promise<Origin> {
  let serve: Serve = (_request, response) => response.end()
  const requests: SeenRequest[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
      serve(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    base: `http://${authority}`,
    authority,
    requests,
    serve: (how) => {
      serve = how
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Serves one file as a good origin does: whole, by single ranges, and by ranges on condition. */
export function serveFile(content: Buffer, options: { etag: string; contentType: string }): Serve {
  return (request, response) => {
    const { range, 'if-range': ifRange } = request.headers
    const head = { 'Content-Type': options.contentType, ETag: options.etag }
    const isFresh = ifRange === undefined || ifRange === options.etag
    const bounds = isFresh ? /^bytes=(\d+)-(\d*)$/.exec(range ?? '') : null
    if (!bounds) {
      response.writeHead(200, { ...head, 'Content-Length': content.length }).end(content)
      return
    }
    const start = Number(bounds[1])
    const end = Math.min(bounds[2] ? Number(bounds[2]) : content.length - 1, content.length - 1)
    if (start >= content.length) {
      response.writeHead(416, { 'Content-Range': `bytes */${content.length}` }).end()
      return
    }
    const part = content.subarray(start, end + 1)
    const contentRange = `bytes ${start}-${end}/${content.length}`
    response.writeHead(206, { ...head, 'Content-Length': part.length, 'Content-Range': contentRange }).end(part)
  }
}
