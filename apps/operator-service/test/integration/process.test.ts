import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { MIGRATIONS } from '@c2d/operator-db'
import { isSchemaCurrent, openDatabase } from '@c2d/postgres'
import { createTestDatabase, type TestDatabase } from '@c2d/testing'

// The service as an operator runs it; `npx tsc -b apps/operator-service` builds what is started here.
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

let target: TestDatabase
let folder: string
let child: ChildProcess | undefined

beforeEach(async () => {
  target = await createTestDatabase({ migrate: () => Promise.resolve() })
  folder = await mkdtemp(join(tmpdir(), 'c2d-operator-process-'))
})
afterEach(async () => {
  if (child?.exitCode === null) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
  await target.drop()
})

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function run(env: Record<string, string>): { process: ChildProcess; output: () => string } {
  let text = ''
  const started = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'], RESULTS_FOLDER: folder, SIGNATURE_REQUIRED: 'false', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [started.stdout, started.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child = started
  return { process: started, output: () => text }
}

async function untilSaid(started: ReturnType<typeof run>, wanted: RegExp): Promise<void> {
  const giveUpAtMs = Date.now() + 40_000
  while (!wanted.test(started.output())) {
    if (Date.now() > giveUpAtMs || started.process.exitCode !== null) throw new Error(started.output())
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  )
}

describe('operator-service as a process', () => {
  it('behaviour: MIGRATE_ONLY migrates and ends; then a login of least privilege is enough to serve', async () => {
    const migrating = run({ DATABASE_URL: target.url, MIGRATE_ONLY: 'true' })
    const [exitCode] = (await once(migrating.process, 'exit')) as [number]
    expect([exitCode, migrating.output()]).toEqual([0, expect.stringContaining('the schema of this build')])

    const db = openDatabase({ url: target.url, applicationName: 'test' })
    const login = `operator_service_${process.pid}`
    const limited = new URL(target.url)
    limited.username = login
    limited.password = 'p'
    try {
      expect(await isSchemaCurrent(db, MIGRATIONS)).toBe(true)
      await db.raw(`CREATE ROLE ${login} LOGIN PASSWORD 'p' IN ROLE c2d_service`)
      const url = `http://127.0.0.1:${await findPort()}`
      const serving = run({ DATABASE_URL: limited.toString(), OPERATOR_URL: url })
      const giveUpAtMs = Date.now() + 40_000
      while (!(await answers(`${url}/readyz`))) {
        if (Date.now() > giveUpAtMs || serving.process.exitCode !== null) throw new Error(serving.output())
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      expect(await answers(`${url}/api/v1/operator/environments`)).toBe(true)
      serving.process.kill('SIGTERM')
      expect(((await once(serving.process, 'exit')) as [number])[0]).toBe(0)
      expect(serving.output()).not.toMatch(/"level":"error"/)
    } finally {
      child?.kill('SIGKILL')
      await db.raw(`DROP ROLE IF EXISTS ${login}`)
      await db.destroy()
    }
  })

  it('behaviour: waits for a database that begins after it, and says so', async () => {
    const port = await findPort()
    const there = new URL(target.url)
    const early = new URL(target.url)
    early.port = String(port)
    const url = `http://127.0.0.1:${await findPort()}`
    const serving = run({ DATABASE_URL: early.toString(), OPERATOR_URL: url })
    await untilSaid(serving, /"level":"warn".*cannot be reached/)

    const door = createServer((client) => {
      const server = connect(Number(there.port), there.hostname)
      client.pipe(server).pipe(client)
      for (const [socket, other] of [[client, server] as const, [server, client] as const]) {
        socket.on('error', () => other.destroy())
      }
    }).listen(port, early.hostname)
    try {
      await untilSaid(serving, /"listening"/)
      expect(await answers(`${url}/readyz`)).toBe(true)
      serving.process.kill('SIGTERM')
      expect(((await once(serving.process, 'exit')) as [number])[0]).toBe(0)
    } finally {
      door.close()
    }
  })

  it('behaviour: one that is told to end while it waits for its database ends well', async () => {
    const away = new URL(target.url)
    away.port = String(await findPort())
    const waiting = run({ DATABASE_URL: away.toString() })
    await untilSaid(waiting, /cannot be reached/)
    waiting.process.kill('SIGTERM')
    expect(((await once(waiting.process, 'exit')) as [number])[0]).toBe(0)
    expect(waiting.output()).not.toMatch(/"level":"error"|Error:/)
  })

  it('error: a login of least privilege cannot migrate, and says so', async () => {
    const db = openDatabase({ url: target.url, applicationName: 'test' })
    const login = `operator_nobody_${process.pid}`
    const limited = new URL(target.url)
    limited.username = login
    limited.password = 'p'
    try {
      await db.raw(`CREATE ROLE ${login} LOGIN PASSWORD 'p'`)
      const failing = run({ DATABASE_URL: limited.toString() })
      expect(((await once(failing.process, 'exit')) as [number])[0]).toBe(1)
      expect(failing.output()).toMatch(/permission denied/)
    } finally {
      child?.kill('SIGKILL')
      await db.raw(`DROP ROLE IF EXISTS ${login}`)
      await db.destroy()
    }
  })
})
