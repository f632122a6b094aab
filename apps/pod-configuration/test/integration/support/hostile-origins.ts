import { createHash } from 'node:crypto'
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { didSuffix, type Stage } from '@c2d/contracts'
import { afterEach, beforeEach, expect } from '@jest/globals'
import { startRangeOrigin, type RangeOrigin, type Serve } from './range-origin.ts'
import { createStagingWorld, DATA, stageOf, type RunOptions, type StagingWorld } from './staging-world.ts'

export const MIB = 1024 ** 2
export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex')

/** A volume of its own for each test of the file that imports this, and origins that end with the test. */
export let world: StagingWorld
let origins: { close(): Promise<void> }[]
beforeEach(async () => {
  world = await createStagingWorld()
  origins = []
})
afterEach(async () => {
  await Promise.all(origins.map((origin) => origin.close()))
  await world.end()
})

/** An origin that answers as the test says. */
export async function start(serve: Serve): Promise<RangeOrigin> {
  const origin = await startRangeOrigin(serve)
  origins.push(origin)
  return origin
}

/** A server that speaks whatever bytes a test wants, to whoever connects. */
export async function startRaw(
  onConnection: (socket: Socket, count: number) => void,
): Promise<{ url: string; allow: string[] }> {
  const sockets = new Set<Socket>()
  let count = 0
  const server: TcpServer = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => onConnection(socket, ++count))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origins.push({
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  })
  const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url: `http://${authority}/file`, allow: [authority] }
}

/** Several connections at once, whatever the size. */
export const SPLIT = { splitFromBytes: 1, maxLanes: 4 }

/** Stages one file of the origin. */
export async function stage(origin: RangeOrigin, options: Partial<RunOptions> = {}, over: Partial<Stage> = {}) {
  return world.run(stageOf({ [DATA]: `${origin.base}/file` }, over), { allow: [origin.authority], ...options })
}

/** A file as it arrived. */
export const staged = (index = 0): Promise<Buffer> =>
  readFile(join(world.root, 'inputs', didSuffix(DATA), String(index)))

/** Nothing of the dataset is there, whole or in part. */
export async function expectNothing(): Promise<void> {
  expect(await readdir(join(world.root, 'inputs', didSuffix(DATA)))).toEqual([])
  expect(await readdir(join(world.root, 'inputs'))).toEqual([didSuffix(DATA)])
}
