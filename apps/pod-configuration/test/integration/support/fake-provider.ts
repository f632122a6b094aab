import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A provider of the reference's shape, with files in memory; records what it was asked. */
export interface FakeProvider {
  url: string
  asked: { method: string; path: string; query: URLSearchParams; token: string | undefined }[]
  close(): Promise<void>
}

/** How one service's files behave, by `did|serviceId`. */
export interface FakeService {
  files: (string | Buffer)[]
  /** Cuts the connection in the middle of this file. */
  cutFile?: number
  /** Refuses every download with this text. */
  refusal?: string
  /** What fileinfo says of each file, beside its index. */
  info?: Record<string, unknown>
}

export async function startFakeProvider(services: Record<string, FakeService>): Promise<FakeProvider> {
  const asked: FakeProvider['asked'] = []
  const server = createServer((request, response) => {
    void answer(request, response, services, asked)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  services: Record<string, FakeService>,
  asked: FakeProvider['asked'],
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://provider')
  const token = request.headers['c2d-download-token']
  asked.push({
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    token: Array.isArray(token) ? token[0] : token,
  })
  const json = (status: number, body: unknown): void => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  }
  if (url.pathname === '/') {
    json(200, {
      serviceEndpoints: { fileinfo: ['POST', '/api/services/fileinfo'], download: ['GET', '/api/services/download'] },
    })
  } else if (url.pathname === '/api/services/fileinfo') {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { did, serviceId } = JSON.parse(Buffer.concat(chunks).toString()) as { did: string; serviceId: string }
    const service = services[`${did}|${serviceId}`]
    if (!service) json(400, { error: 'Cannot resolve DID' })
    else
      json(
        200,
        service.files.map((_file, index) => ({ index, type: 'url', valid: true, ...service.info })),
      )
  } else if (url.pathname === '/api/services/download') {
    const service = services[`${url.searchParams.get('documentId')}|${url.searchParams.get('serviceId')}`]
    const index = Number(url.searchParams.get('fileIndex'))
    const file = service?.files[index]
    if (service?.refusal) json(400, { error: service.refusal })
    else if (file === undefined) json(400, { error: 'No such fileIndex' })
    else if (service?.cutFile === index) {
      response.writeHead(200, { 'Content-Length': String(file.length) })
      response.write(file.slice(0, file.length / 2))
      setTimeout(() => response.destroy(), 20)
    } else {
      const name = index === 1 ? { 'Content-Disposition': 'attachment;filename=second.csv' } : {}
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', ...name }).end(file)
    }
  } else if (url.pathname.startsWith('/api/aquarius/')) json(404, { error: 'not here' })
  else json(404, {})
}
