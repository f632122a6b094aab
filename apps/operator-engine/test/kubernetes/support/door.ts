import { connect, createServer, type AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'

/** A port at the node's own address that leads to a server of this test: how pods reach what listens on loopback. */
export interface Door {
  /** `ip:port` */
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

/** The address of the test cluster's node, at which its pods reach this machine. */
export const NODE_ADDRESS = process.env['C2D_TEST_NODE_ADDRESS'] ?? '10.123.0.1'

/** Opens a door to a port of this machine's loopback. */
export async function openDoor(targetPort: number): Promise<Door> {
  const server = createServer((socket) => {
    const inside = connect(targetPort, '127.0.0.1')
    // Either end may go at any time; the other one is told by its own end.
    pipeline(socket, inside, () => undefined)
    pipeline(inside, socket, () => undefined)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, NODE_ADDRESS, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    address: `${NODE_ADDRESS}:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
      }),
  }
}
