import { access } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { listEvents, notifyJobs, requestStop, type JobRow } from '@c2d/operator-db'
import { openDatabase } from '@c2d/postgres'
import { sleep } from '@c2d/runtime'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { waitUntil } from './executor-conformance.ts'
import { createEngineWorld, type EngineWorld, type RunningEngine } from './support/engine-world.ts'

const isFinished = (job: JobRow): boolean => job.dateFinished !== null
const isRunning = (job: JobRow): boolean => job.status === 40
const counting = (ms: number): string => `
  const fs = require('fs')
  fs.appendFileSync('/data/outputs/runs', 'begun\\n')
  setTimeout(() => fs.appendFileSync('/data/outputs/runs', 'done\\n'), ${ms})
`

let world: EngineWorld
beforeEach(async () => {
  world = await createEngineWorld()
})
afterEach(() => world.close())

const nameOf = (engine: RunningEngine): string => /"instance":"([^"]+)"/.exec(engine.output())?.[1] ?? '?'

/** Makes the database refuse everybody, and throws out who is in; what a restart of the server looks like. */
async function withoutDatabase(ms: number): Promise<void> {
  const url = new URL(world.databaseUrl)
  const name = url.pathname.slice(1)
  url.pathname = '/postgres'
  const server = openDatabase({ url: url.href, applicationName: 'engine tests, outside', maxConnections: 1 })
  try {
    await server.raw('ALTER DATABASE ?? WITH ALLOW_CONNECTIONS false', [name])
    await server.raw('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ?', [name])
    await sleep(ms)
    await server.raw('ALTER DATABASE ?? WITH ALLOW_CONNECTIONS true', [name])
  } finally {
    await server.destroy()
  }
}

describe('an engine that was suspended past its lease', () => {
  it('while the algorithm runs: writes nothing and ends nothing, the other one does the job', async () => {
    const stale = await world.startEngine()
    const jobId = await world.queueJob(counting(4_000))
    await world.waitForJob(jobId, isRunning)
    await sleep(300)
    stale.process.kill('SIGSTOP')
    await world.startEngine()
    await world.waitForJob(jobId, (job) => job.epoch === 2)
    stale.process.kill('SIGCONT')
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0, epoch: 2 })
    expect(await world.resultText(job, 'runs')).toBe('begun\ndone\n')
    const events = await listEvents(world.db, jobId)
    const after = events.slice(events.findIndex(({ what }) => what === 'adopted'))
    expect(after.filter(({ by }) => by.includes(nameOf(stale)))).toEqual([])
    await waitUntil(() => stale.output().includes('lease lost'))
    expect(stale.process.exitCode).toBeNull()
  })

  it('again and again, at any moment of a job: it is done once, by whoever holds it', async () => {
    const engines = await Promise.all([world.startEngine(), world.startEngine()])
    const jobIds = await Promise.all(Array.from({ length: 4 }, () => world.queueJob(counting(300))))
    for (const afterMs of [100, 200, 400, 300]) {
      for (const engine of engines) {
        engine.process.kill('SIGSTOP')
        await sleep(2_300) // past its lease, while the other one works
        engine.process.kill('SIGCONT')
        await sleep(afterMs)
      }
      if (await world.waitForJob(jobIds[3] ?? '', () => true).then(isFinished)) break
    }
    for (const jobId of jobIds) {
      const job = await world.waitForJob(jobId, isFinished)
      expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0 })
      expect(await world.resultText(job, 'runs')).toBe('begun\ndone\n')
      const whats = await world.eventsOf(jobId)
      for (const what of ['provisioned', 'running', 'publishing', 'finished']) {
        expect(whats.filter((each) => each === what)).toHaveLength(1)
      }
    }
  })
})

describe('an engine that is told to end', () => {
  it('hands its jobs to another at once: they wait neither for a tick nor for a lease', async () => {
    const slowly = { TICK_SECONDS: '50', LEASE_SECONDS: '60' }
    const leaving = await world.startEngine(slowly)
    const jobId = await world.queueJob(counting(60_000))
    await world.waitForJob(jobId, isRunning)
    await world.startEngine(slowly)
    await waitUntil(async () => (await world.db('engines').select()).length === 2)
    await sleep(1_000) // its first tick is over, and the next far away
    await leaving.kill('SIGTERM')
    expect(await world.waitForJob(jobId, ({ epoch }) => epoch === 2)).toMatchObject({ dateFinished: null })
  })
})

describe('an engine that is told to end while its chain does not answer', () => {
  it('lets its jobs go before that', async () => {
    let askedAtMs = -Infinity
    const silent = createServer(() => (askedAtMs = Date.now()))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    try {
      const slowly = { TICK_SECONDS: '50', LEASE_SECONDS: '60' }
      const wallet = {
        chainId: 8996,
        rpcUrls: [`http://127.0.0.1:${(silent.address() as AddressInfo).port}`],
        privateKey: `0x${'02'.repeat(32)}`,
        factoryAddress: `0x${'03'.repeat(20)}`,
      }
      const leaving = await world.startEngine({
        ...slowly,
        ...world.environment({ derivedAssets: { maxBytes: 1_000 } }),
        WALLETS: JSON.stringify([wallet]),
      })
      const jobId = await world.queueJob(counting(60_000))
      await world.waitForJob(jobId, isRunning)
      await world.startEngine(slowly)
      await waitUntil(() => Date.now() - askedAtMs < 3_000, 60_000) // for ten seconds it waits for that answer
      const said = leaving.output().length
      leaving.process.kill('SIGTERM')
      await world.waitForJob(jobId, ({ epoch }) => epoch === 2)
      expect(leaving.output().slice(said)).not.toMatch(/TIMEOUT/) // it waits still
    } finally {
      silent.closeAllConnections()
      silent.close()
    }
  }, 120_000)
})

describe('a report and a stop', () => {
  it('that wait for the same row: the job ends as it was asked to, and never runs', async () => {
    await world.startEngine()
    const jobId = await world.queueJob(counting(30_000), { inputPath: '/slow.csv' })
    const log = join(world.workspaces, jobId, 'data', 'adminlogs', 'configure.log')
    await waitUntil(() =>
      access(log).then(
        () => true,
        () => false,
      ),
    ) // its pod is at work
    let stopping: Promise<number> | undefined
    await world.db.transaction(async (transaction) => {
      await transaction.raw('SELECT 1 FROM jobs WHERE workflowid = ? FOR UPDATE', [jobId])
      const waiting = async (): Promise<number> => {
        // Not on the transaction: within one, that view does not change.
        const { rows } = await world.db.raw<{ rows: { count: number }[] }>(
          `SELECT count(*)::int FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%report_provisioning%'`,
        )
        return rows[0]?.count ?? 0
      }
      await waitUntil(async () => (await waiting()) > 0)
      stopping = requestStop(world.db, { jobId })
    })
    expect(await stopping).toBe(1)
    await notifyJobs(world.db)
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: 'Stopped', stopRequest: 1 })
  })
})

describe('a database that goes away', () => {
  it('for longer than a lease, while jobs are at work: they end well, and nothing of them is lost', async () => {
    const engine = await world.startEngine()
    const jobIds = await Promise.all([world.queueJob(counting(500)), world.queueJob(counting(3_000))])
    for (const jobId of jobIds) await world.waitForJob(jobId, isRunning)
    await withoutDatabase(3_500)
    for (const jobId of jobIds) {
      const job = await world.waitForJob(jobId, isFinished)
      expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0 })
      expect(await world.resultText(job, 'runs')).toBe('begun\ndone\n')
    }
    expect(engine.process.exitCode).toBeNull()
  })

  it('is listened to again: a job does not wait for the tick', async () => {
    const engine = await world.startEngine({ TICK_SECONDS: '50', LEASE_SECONDS: '60' })
    await withoutDatabase(500)
    await waitUntil(async () => {
      // By the name of its listening connection: what that one asked last is LISTEN only until its first heartbeat.
      const { rows } = await world.db.raw<{ rows: unknown[] }>(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = ? AND state = 'idle'`,
        [`engine ${nameOf(engine)}`.slice(0, 63)],
      )
      return rows.length === 1
    })
    const jobId = await world.queueJob(counting(10))
    expect(await world.waitForJob(jobId, isFinished)).toMatchObject({ status: 70, reason: null })
    expect(engine.process.exitCode).toBeNull()
  })
})
