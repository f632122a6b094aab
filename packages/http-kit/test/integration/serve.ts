import { connect, type Socket } from 'node:net'
import { silentLogger } from '@c2d/runtime'
import type { Express } from 'express'
import { createHttpApp } from '../../src/http-app.ts'
import { listen, type ListenOptions } from '../../src/listen.ts'
import type { Metrics } from '../../src/metrics.ts'
import { notFound, renderErrors } from '../../src/render-error.ts'

/** An app of the house on loopback, with the routes that a test adds. */
export async function serve(
  addRoutes: (app: Express) => void,
  options: { trustedProxies?: number; metrics?: Metrics; listen?: Partial<ListenOptions> } = {},
) {
  const { trustedProxies, metrics } = options
  const app = createHttpApp({ bodyLimitBytes: 1_000_000, trustedProxies }, { log: silentLogger, metrics })
  addRoutes(app)
  app.use(notFound)
  app.use(renderErrors('operator', { log: silentLogger }))
  const server = await listen(app, { host: '127.0.0.1', port: 0, ...options.listen })
  const sockets: Socket[] = []
  return {
    base: `http://127.0.0.1:${server.port}`,
    /** A bare connection, for what no HTTP client would send. */
    dial: (): Socket => {
      const socket = connect(server.port, '127.0.0.1')
      sockets.push(socket)
      return socket
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      return server.close()
    },
  }
}
export type Served = Awaited<ReturnType<typeof serve>>

/** Asks again until it holds; the machine may be busy. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not happen within 30 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
