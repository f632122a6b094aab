import { connect, createServer, type AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'

/** Opens a port at an address that pods reach, which leads to a server on this machine's loopback. */
export async function openDoor(host: string, targetPort: number): Promise<{ port: number; close: () => void }> {
  const server = createServer((socket) => {
    const inside = connect(targetPort, '127.0.0.1')
    // Either end may go at any time; the other one is told by its own end.
    pipeline(socket, inside, () => undefined)
    pipeline(inside, socket, () => undefined)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, resolve)
  })
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() }
}
