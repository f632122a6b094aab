import { startHttpStub, type HttpStub } from './http-stub.ts'

/** An origin of files, by path; it understands a single `Range: bytes=a-b`. */
export interface FileOrigin extends HttpStub {
  /** Offers content under a path and gives the file object that names it. */
  offer(path: string, content: string, contentType?: string): { type: 'url'; url: string; method: string }
}

const VERSION = '"v1"'
const MODIFIED = 'Sat, 21 Nov 2026 06:00:00 GMT'

/** Starts an origin without files. */
export async function startFileOrigin(): Promise<FileOrigin> {
  const files = new Map<string, { content: Buffer; contentType: string }>()
  const stub = await startHttpStub((request, response) => {
    const file = files.get(request.path)
    if (!file) {
      response.writeHead(404).end()
      return
    }
    const { content, contentType } = file
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    const isStill = (request.headers['if-range'] ?? VERSION) === VERSION
    const isRange = from !== undefined && to !== undefined && isStill
    const part = isRange ? content.subarray(Number(from), Number(to) + 1) : content
    response.writeHead(isRange ? 206 : 200, {
      'Content-Type': contentType,
      'Content-Length': part.length,
      ETag: VERSION,
      'Last-Modified': MODIFIED,
      ...(isRange ? { 'Content-Range': `bytes ${from}-${to}/${content.length}` } : {}),
    })
    response.end(part)
  })
  return {
    ...stub,
    offer(path, content, contentType = 'text/plain') {
      files.set(path, { content: Buffer.from(content), contentType })
      return { type: 'url', url: stub.url + path, method: 'GET' }
    },
  }
}
