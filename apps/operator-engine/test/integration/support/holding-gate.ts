import { createServer, request as askServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'

/** A request that is not let through, or whose answer is not; how many of its kind are before it. */
export interface HeldRequest {
  /** `<method> <path with query>`. */
  matches: RegExp
  after: number
  /** Whether the server gets it, and only its answer is kept back. */
  isDone: boolean
}

/** A server before another one. */
export interface HoldingGate {
  url: string
  /** Resolves when the request is held; nothing passes from then on. */
  held: Promise<void>
  close(): Promise<void>
}

/** Passes on what it is asked, until one request that is never answered, nor is any that comes later. */
export async function openHoldingGate(target: string, hold?: HeldRequest): Promise<HoldingGate> {
  let seen = 0
  let isShut = false
  let tellHeld: () => void = () => undefined
  const held = new Promise<void>((resolve) => (tellHeld = resolve))
  const isTheOne = ({ method = '', url = '' }: IncomingMessage): boolean =>
    hold !== undefined && !isShut && hold.matches.test(`${method} ${url}`) && seen++ === hold.after

  const server = createServer((asked, response) => {
    const isHeld = isTheOne(asked)
    if (isShut) return
    if (isHeld) isShut = true
    if (isHeld && hold?.isDone !== true) {
      tellHeld()
      return
    }
    const passed = askServer(
      new URL(asked.url ?? '', target),
      { method: asked.method, headers: asked.headers },
      (answer) => {
        if (isHeld) {
          answer.resume().once('end', tellHeld)
          return
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        pipeline(answer, response, () => undefined) // either end may leave; the other one is told by it
      },
    )
    passed.once('error', () => response.destroy())
    pipeline(asked, passed, () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    held,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
