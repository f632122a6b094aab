import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { pipeline } from 'node:stream'

/** A port of another address of this machine that leads to a server on loopback: how pods of a cluster reach it. */
export interface Door {
  /** `ip:port` */
  readonly address: string
  readonly port: number
  /** Lets nobody in any more, and ends those who are. */
  close(): Promise<void>
}

/**
 * Opens a door.
 * @param host an address of this machine; the port is chosen by the kernel
 * @param targetPort of 127.0.0.1
 */
export async function openDoor(host: string, targetPort: number): Promise<Door> {
  const visitors = new Set<Socket>()
  const server = createServer((socket) => {
    const inside = connect(targetPort, '127.0.0.1')
    visitors.add(socket)
    socket.once('close', () => visitors.delete(socket))
    // Either end may go at any time; the other one is told by its own end.
    pipeline(socket, inside, () => undefined)
    pipeline(inside, socket, () => undefined)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    address: `${host}:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of visitors) socket.destroy()
      }),
  }
}
