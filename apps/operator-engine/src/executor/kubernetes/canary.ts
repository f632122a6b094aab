import { once } from 'node:events'
import { createServer } from 'node:net'

const MAX_CONNECTIONS = 1000

/** A listener that every open pod reaches, and no sealed one (DESIGN §4.14). */
export interface Canary {
  /** The port it listens at. */
  readonly port: number
  close(): Promise<void>
}

/**
 * Opens the canary: whoever connects is let go at once, with nothing read and nothing said. That it was reached is all there is to it,
 * so it may stand where strangers' code can try it.
 * @param options.port 0 takes a free one
 * @throws Error of Node when the address is taken or none of this machine's
 */
export async function createCanary(options: { host: string; port: number }): Promise<Canary> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined) // the seal gate resets its connections
    socket.destroy()
  })
  server.maxConnections = MAX_CONNECTIONS
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the canary listens at no port')
  return {
    port: address.port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}
