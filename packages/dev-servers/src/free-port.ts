import { createServer } from 'node:net'

/** A TCP port of 127.0.0.1 that was free a moment ago, chosen by the kernel. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port)
        else reject(new Error('the kernel named no port'))
      })
    })
  })
}

/** Whether nothing listens on this TCP port of 127.0.0.1. Throws for failures other than a port in use. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Throws where something already listens on this port of 127.0.0.1; `name` says for whom the port was meant. */
export async function assertPortFree(name: string, port: number): Promise<void> {
  if (!(await isPortFree(port))) throw new Error(`${name} cannot start: port ${port} of 127.0.0.1 is in use`)
}
