import { connect, createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

/** A wire between an engine and its database, in our hands. Heals itself at nobody's cost: every fault has an end. */
export interface Network {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number
  /** From now on every piece of data, in both directions, takes so many milliseconds longer; 0 ends it. */
  delay(ms: number): void
  /** Nothing passes any more and nothing is refused, until `isOn` is false: then what was held back arrives. */
  blackHole(isOn: boolean): void
  /** Resets every connection there is. */
  cut(): void
  /** The connections there are go on existing for their clients, but nobody is at the other end; new ones work. */
  halfOpen(): void
  close(): Promise<void>
}

interface Wire {
  client: Socket
  server: Socket
}

/** Opens a wire to a port of 127.0.0.1; where nobody listens there, clients are reset. */
export async function openNetwork(target: { port: number }): Promise<Network> {
  const wires = new Set<Wire>()
  const clients = new Set<Socket>()
  const held: (() => void)[] = []
  let isHole = false
  let delayMs = 0

  const passOrHold = (act: () => void): void => (isHole ? void held.push(act) : act())

  /** Runs in order: what is behind a delayed piece waits for it. */
  function pass(from: Socket, to: Socket): void {
    let previous = Promise.resolve()
    const inOrder = (act: () => void): void => {
      const due = delayMs > 0 ? new Promise((resolve) => setTimeout(resolve, delayMs)) : null
      previous = previous.then(() => due).then(() => passOrHold(act))
    }
    from.on('data', (piece) => inOrder(() => to.writable && to.write(piece)))
    from.on('end', () => inOrder(() => to.end()))
  }

  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ port: target.port, host: '127.0.0.1', allowHalfOpen: true })
    const wire = { client, server }
    wires.add(wire)
    clients.add(client)
    pass(client, server)
    pass(server, client)
    // A reset on one side becomes a reset on the other, unless the wire was left half open on purpose.
    client.on('error', () => server.destroy())
    server.on('error', () => wires.has(wire) && client.destroy())
    client.on('close', () => {
      clients.delete(client)
      wires.delete(wire)
      server.destroy()
    })
    server.on('close', () => passOrHold(() => wires.has(wire) && client.destroySoon()))
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))

  return {
    port: (listener.address() as AddressInfo).port,
    delay: (ms) => {
      delayMs = ms
    },
    blackHole: (isOn) => {
      isHole = isOn
      if (!isOn) for (const act of held.splice(0)) act()
    },
    cut: () => {
      for (const { client, server } of wires) {
        client.resetAndDestroy()
        server.resetAndDestroy()
      }
    },
    halfOpen: () => {
      const left = [...wires]
      wires.clear()
      for (const { server } of left) server.destroy()
    },
    close: async () => {
      for (const client of clients) client.destroy()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}
