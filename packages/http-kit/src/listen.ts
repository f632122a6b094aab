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

/** Where to listen, and how much patience and memory one connection gets before it has said what it wants. */
export interface ListenOptions {
  host: string
  /** 0 takes any free port. */
  port: number
  /** Time for a whole request to arrive, in milliseconds; default two minutes. How long we answer is not limited. */
  requestTimeoutMs?: number | undefined
  /** Time for its headers alone, in milliseconds; default 20 seconds. */
  headersTimeoutMs?: number | undefined
  /** Size of all headers together, the address line included; default 16 KiB. More is answered with 431. */
  maxHeaderBytes?: number | undefined
  /** Headers beyond this number are dropped; default 100. */
  maxHeadersCount?: number | undefined
}

const DRAIN_MS = 5_000

/**
 * Starts an app on an address. A request that takes too long to arrive is answered with 408 and cut.
 * @throws Error (`EADDRINUSE`…) when the address cannot be had
 */
export async function listen(app: Express, options: ListenOptions): Promise<Listening> {
  const { requestTimeoutMs = 120_000, headersTimeoutMs = 20_000 } = options
  const headersTimeout = Math.min(headersTimeoutMs, requestTimeoutMs)
  const server = createServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout,
      // Node looks for late requests only this often.
      connectionsCheckingInterval: Math.min(5_000, Math.ceil(headersTimeout / 2)),
      maxHeaderSize: options.maxHeaderBytes ?? 16_384,
    },
    app,
  )
  server.maxHeadersCount = options.maxHeadersCount ?? 100
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
