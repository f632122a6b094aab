import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createTestDatabase, type TestDatabase } from '@c2d/testing'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openDatabase, type Database } from '../../src/index.ts'

let database: TestDatabase
let wire: Server
let db: Database
const clients = new Set<Socket>()
const servers = new Set<Socket>()

beforeEach(async () => {
  database = await createTestDatabase({ migrate: () => Promise.resolve() })
  const url = new URL(database.url)
  const target = { host: url.hostname, port: Number(url.port) }
  wire = createServer((client) => {
    const server = connect(target)
    clients.add(client)
    servers.add(server)
    client.pipe(server).pipe(client, { end: false })
    for (const socket of [client, server]) socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve))
  url.port = String((wire.address() as AddressInfo).port)
  db = openDatabase({ url: url.href, applicationName: 'silence', maxConnections: 1, statementTimeoutMs: 300 })
})

afterEach(async () => {
  await db.destroy()
  for (const socket of [...clients, ...servers]) socket.destroy()
  await new Promise((resolve) => wire.close(resolve))
  await database.drop()
})

describe('a connection whose other end is gone without a word', () => {
  it('error: fails the query that waits on it, and the next query gets a connection that works', async () => {
    await db.raw('SELECT 1')
    for (const server of servers) server.destroy() // the client's half stays open, and hears nothing
    await expect(db.raw('SELECT 2')).rejects.toThrow(/silent/)
    await expect(db.raw('SELECT 3 AS three')).resolves.toMatchObject({ rows: [{ three: 3 }] })
  }, 120_000)
})
