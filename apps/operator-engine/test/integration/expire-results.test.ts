import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { JOB_STATUS } from '@c2d/contracts'
import { ENGINE_ROLE, MIGRATIONS, listEvents, loadJob } from '@c2d/operator-db'
import { migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import { AppError, silentLogger } from '@c2d/runtime'
import { createFilesystemStore, createResultStores, type ResultStore } from '@c2d/storage'
import { createTestDatabase, type TestDatabase } from '@c2d/testing'
import { createResultExpiry } from '../../src/sweeps/expire-results.ts'

const ENVIRONMENT = 'expiry'
const { signal } = new AbortController()

describe('results whose time is over', () => {
  let database: TestDatabase
  /** The tests' own, which may do everything; the engine has the rights of its role. */
  let db: Database
  let engineDb: Database
  let folder: string
  let store: ResultStore
  let nowMs = 0

  beforeAll(async () => {
    database = await createTestDatabase({
      template: 'operator',
      migrate: async (url) => {
        const template = openDatabase({ url, applicationName: 'template' })
        await migrateToLatest(template, MIGRATIONS)
        await template.destroy()
      },
    })
    db = openDatabase({ url: database.url, applicationName: 'test' })
    const url = new URL(database.url)
    url.searchParams.set('options', `-c timezone=UTC -c role=${ENGINE_ROLE}`)
    engineDb = openDatabase({ url: url.toString(), applicationName: 'engine' })
    folder = await mkdtemp(join(tmpdir(), 'c2d-expiry-'))
    store = createFilesystemStore({ root: folder })
  })
  afterAll(async () => {
    await engineDb.destroy()
    await db.destroy()
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  })

  const createExpiry = (results: Pick<ResultStore, 'remove'> = store) =>
    createResultExpiry(
      { environments: [ENVIRONMENT], by: 'engine-1' },
      { db: engineDb, results, nowMs: () => nowMs, log: silentLogger },
    )

  /** A job that ended long ago and left no more than a row and its results. */
  async function keepJob(copies?: string[]): Promise<string> {
    const jobId = randomBytes(16).toString('hex')
    const stored = await store.put(jobId, 'outputs/a.csv', Readable.from(['a,b\n']))
    const output = { filename: 'a.csv', filesize: 4, url: stored.url, type: 'output', sha256: stored.sha256, copies }
    await db('jobs').insert({
      workflowid: jobId,
      agreementid: jobId,
      namespace: ENVIRONMENT,
      status: JOB_STATUS.finished.code,
      datefinished: db.raw("now() - interval '2 days'"),
      results_expire_at: db.raw("now() - interval '1 day'"),
      outputsurl: JSON.stringify([output]),
    })
    return jobId
  }

  const isExpired = async (jobId: string): Promise<boolean> =>
    (await loadJob(db, jobId))?.outputs?.every(({ url, expired }) => url === '' && expired === true) ?? false
  const eventsOf = async (jobId: string): Promise<string[]> => (await listEvents(db, jobId)).map(({ what }) => what)

  it('are deleted, and their rows say so', async () => {
    const jobId = await keepJob()
    await createExpiry().sweep(signal)
    expect(await readdir(folder)).toEqual([])
    expect((await loadJob(db, jobId))?.outputs).toEqual([
      { filename: 'a.csv', filesize: 4, url: '', type: 'output', sha256: expect.any(String), expired: true },
    ])
    expect(await eventsOf(jobId)).toEqual(['resultsExpired'])
  })

  it('behaviour: every place a row names is told to the stores', async () => {
    const jobId = await keepJob(['ipfs:x/y'])
    const asked: unknown[] = []
    await createExpiry({ remove: async (...args) => void asked.push(args) }).sweep(signal)
    expect(asked).toEqual([[jobId, [`filesystem:${jobId}/outputs/a.csv`, 'ipfs:x/y']]])
  })

  it('behaviour: all that is due goes in one sweep, however much', async () => {
    const template = await keepJob()
    await db.raw(
      `INSERT INTO jobs (workflowid, agreementid, namespace, status, datefinished, results_expire_at, outputsurl)
       SELECT md5(n::text), n::text, namespace, status, datefinished, results_expire_at, outputsurl
       FROM jobs, generate_series(1, 250) AS n WHERE workflowid = ?`,
      [template],
    )
    await createExpiry({ remove: () => Promise.resolve() }).sweep(signal)
    const [left] = await db('jobs').whereNull('results_removed_at').count<{ count: string }[]>('* as count')
    expect(left?.count).toBe('0')
  })

  it('error: one that cannot be deleted is noted, holds up nobody, and is tried again', async () => {
    const [stuck, other] = [await keepJob(), await keepJob()]
    let isStuck = true
    const expiry = createExpiry({
      remove: async (jobId, urls) => {
        if (jobId === stuck && isStuck) throw new AppError('UpstreamUnavailable', { detail: 'Not now.' })
        await store.remove(jobId, urls)
      },
    })
    await expiry.sweep(signal)
    expect([await isExpired(stuck), await isExpired(other)]).toEqual([false, true])
    isStuck = false
    await expiry.sweep(signal)
    expect(await isExpired(stuck)).toBe(false) // its pause is not over
    nowMs += 10_000
    await expiry.sweep(signal)
    expect(await isExpired(stuck)).toBe(true)
    expect(await eventsOf(stuck)).toEqual(['resultsNotRemoved', 'resultsExpired'])
    expect(JSON.stringify(await listEvents(db, stuck))).toContain('Not now.')
  })

  it('error: a backend that is down is not asked for everything, and is caught up with when it is back', async () => {
    const jobs = await Promise.all(Array.from({ length: 60 }, () => keepJob()))
    let asked = 0
    let isDown = true
    const expiry = createExpiry({
      remove: async (jobId, urls) => {
        asked += 1
        if (isDown) throw new Error('secret-host.internal does not answer')
        await store.remove(jobId, urls)
      },
    })
    await expiry.sweep(signal)
    await expiry.sweep(signal)
    expect(asked).toBe(16)
    isDown = false
    nowMs += 3_600_000
    await expiry.sweep(signal)
    expect((await Promise.all(jobs.map(isExpired))).every(Boolean)).toBe(true)
    expect((await readdir(folder)).filter((jobId) => jobs.includes(jobId))).toEqual([])
    const { rows } = await db.raw<{ rows: unknown[] }>('SELECT detail FROM job_events')
    expect(JSON.stringify(rows)).not.toContain('secret-host')
  })

  it('error: those in a place that is configured no longer hold up no others, however many they are', async () => {
    const results = createResultStores({ targets: [{ backend: 'filesystem', root: folder }] })
    const elsewhere = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const jobId = await keepJob()
        const row = { filename: 'a', filesize: 1, url: `s3:${jobId}/outputs/a`, type: 'output' }
        const longer = db.raw(`now() - interval '${50 - n} days'`)
        const changed = { outputsurl: JSON.stringify([row]), results_expire_at: longer }
        await db('jobs').where({ workflowid: jobId }).update(changed)
        return jobId
      }),
    )
    const jobId = await keepJob()
    await createExpiry(results).sweep(signal)
    expect(await isExpired(jobId)).toBe(true)
    for (const other of elsewhere) {
      expect(await isExpired(other)).toBe(false)
      expect(await eventsOf(other)).toEqual(['resultsNotRemoved'])
    }
    await db('jobs').whereIn('workflowid', elsewhere).delete()
  })

  it('behaviour: two engines remove the same, and one of them says it', async () => {
    const jobId = await keepJob()
    await Promise.all([createExpiry().sweep(signal), createExpiry().sweep(signal)])
    expect(await eventsOf(jobId)).toEqual(['resultsExpired'])
  })
})
