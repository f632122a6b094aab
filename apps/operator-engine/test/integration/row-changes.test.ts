import { notifyJobs } from '@c2d/operator-db'
import { openDatabase, type Database } from '@c2d/postgres'
import { silentLogger } from '@c2d/runtime'
import { createTestDatabase, type TestDatabase } from '@c2d/testing'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { listenToRows } from '../../src/wakes/row-changes.ts'
import { openNetwork, type Network } from '../chaos/network.ts'
import { waitUntil } from './executor-conformance.ts'

let database: TestDatabase
let db: Database
let network: Network
let changes: number
let stopping: AbortController
let listening: Promise<void>

beforeEach(async () => {
  database = await createTestDatabase({ migrate: () => Promise.resolve() })
  db = openDatabase({ url: database.url, applicationName: 'row changes' })
  const url = new URL(database.url)
  network = await openNetwork({ port: Number(url.port) })
  url.hostname = '127.0.0.1'
  url.port = String(network.port)
  changes = 0
  stopping = new AbortController()
  listening = listenToRows(
    { databaseUrl: url.href, applicationName: 'listener', signal: stopping.signal, heartbeatMs: 150 },
    { onChange: () => (changes += 1), log: silentLogger },
  )
  await waitUntil(() => Promise.resolve(changes === 1))
})
afterEach(async () => {
  stopping.abort()
  await listening
  await network.close()
  await db.destroy()
  await database.drop()
})

const isHeard = async (): Promise<void> => {
  const before = changes
  await notifyJobs(db)
  await waitUntil(() => Promise.resolve(changes > before))
}

describe('listening to rows', () => {
  it('goes on for many heartbeats, and calls for no reading by itself', async () => {
    await isHeard()
    const before = changes
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(changes).toBe(before)
    await isHeard()
  })

  it('behaviour: a connection whose other end is gone without a word is noticed, and replaced', async () => {
    network.halfOpen()
    await waitUntil(() => Promise.resolve(changes >= 2)) // listens again, and asks for what was missed
    await isHeard()
  })

  it('behaviour: so is one through which nothing passes any more', async () => {
    network.blackHole(true)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    network.blackHole(false)
    await waitUntil(() => Promise.resolve(changes >= 2))
    await isHeard()
  })

  it('behaviour: letting go of a connection that is half open does not wait for it', async () => {
    network.halfOpen()
    stopping.abort()
    await listening
  })
})
