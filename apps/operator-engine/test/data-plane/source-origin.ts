import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import type { FileObject } from '@c2d/contracts'
import type { PlannedFile } from './planned-files.ts'
import { openSeeded } from './seeded-bytes.ts'

/** One server that plays a web space, an Arweave gateway and a GraphQL endpoint; its files are made as they are read. */
export interface SourceOrigin {
  /** `host:port`, as an allow list wants it. */
  authority: string
  /** Of the Arweave gateway. */
  arweaveGateway: string
  /** Serves a file from now on; gives the object that names it. */
  offer(file: PlannedFile & { kind: 'url' | 'arweave' | 'graphql' }): FileObject
  /** Serves a text as a file of type url. */
  offerText(text: string): FileObject
  close(): Promise<void>
}

/** Starts it on loopback: the provider reads from it, and nobody else. */
export async function startSourceOrigin(): Promise<SourceOrigin> {
  const offered = new Map<string, PlannedFile | string>()
  const server = createServer((request, response) => {
    void keyOf(request).then((key) => {
      const file = offered.get(key)
      if (file === undefined) response.writeHead(404).end()
      else if (typeof file === 'string') response.end(file)
      else serve(file, request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const base = `http://${authority}`

  return {
    authority,
    arweaveGateway: `${base}/arweave`,
    offer(file) {
      if (file.kind === 'url') {
        offered.set(`/files/${file.seed}`, file)
        return { type: 'url', url: `${base}/files/${file.seed}`, method: 'GET' }
      }
      if (file.kind === 'arweave') {
        const transactionId = createHash('sha256').update(file.seed).digest('base64url')
        offered.set(`/arweave/${transactionId}`, file)
        return { type: 'arweave', transactionId }
      }
      const query = `query { rows(of: "${file.seed}") { wage } }`
      offered.set(query, file)
      return { type: 'graphql', url: `${base}/graphql`, query }
    },
    offerText(text) {
      offered.set('/text', text)
      return { type: 'url', url: `${base}/text`, method: 'GET' }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What is asked for: a path, or a query that was posted. */
async function keyOf(request: IncomingMessage): Promise<string> {
  const body: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) body.push(chunk)
  if (request.method !== 'POST') return request.url ?? ''
  return (JSON.parse(Buffer.concat(body).toString()) as { query: string }).query
}

/** Whole or one range, as good origins do. */
function serve(file: PlannedFile, request: IncomingMessage, response: ServerResponse): void {
  const total = file.sizeBytes
  const [range, first = '', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  const start = range ? Number(first) : 0
  const end = range && last !== '' ? Math.min(Number(last), total - 1) : total - 1
  if (range && start >= total) {
    response.writeHead(416, { 'Content-Range': `bytes */${total}` }).end()
    return
  }
  const length = end - start + 1
  response.writeHead(range ? 206 : 200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': length,
    ETag: `"${file.sha256}"`,
    ...(range ? { 'Content-Range': `bytes ${start}-${end}/${total}` } : { 'Accept-Ranges': 'bytes' }),
  })
  // A reader that leaves ends the making; it is not waited for.
  pipeline(openSeeded(file.seed, { start, length }), response, () => undefined)
}
