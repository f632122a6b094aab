import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'

/** A server that listens. */
export interface Listening {
  /** The port it really has, also when 0 was asked for. */
  port: number
  /** Stops accepting, lets running requests end for a moment, then cuts what is left. */
  close(): Promise<void>
}

const DRAIN_MS = 5_000

/**
 * Starts an app on an address.
 * @throws Error (`EADDRINUSE`…) when the address cannot be had
 */
export async function listen(app: Express, options: { host: string; port: number }): Promise<Listening> {
  const server = createServer(app)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeIdleConnections()
        setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref()
      }),
  }
}
