import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { PROVIDER_ENDPOINTS } from '@c2d/contracts'

/** Which of so many requests to encrypt finds the provider out of order. */
const OUT_OF_ORDER = 7

/** A server with everything that jobs need of the outside. */
export interface Origin {
  /** `host:port` */
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

/** Starts it: a dataset at `/data.csv`, an ear at `/told`, and a provider whose cipher is hex, and who is at times out of order. */
export async function startOrigin(): Promise<Origin> {
  let asked = 0
  const server = createServer((request, response) => {
    if (request.url === '/data.csv') response.end('a,b\n1,2\n')
    else if (request.url === '/told') response.writeHead(204).end()
    else if (request.url?.startsWith(PROVIDER_ENDPOINTS.encrypt[1])) {
      asked += 1
      if (asked % OUT_OF_ORDER === 0) response.writeHead(503).end()
      else void buffer(request).then((text) => response.writeHead(201).end(`0x${text.toString('hex')}`))
    } else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    port,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
