import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFile, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { eciesEncrypt, publicKeyOf } from '@c2d/chain'
import { storedWorkflowSchema } from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'
import { waitUntil } from './executor-conformance.ts'
import { createEngineWorld, type EngineWorld, type RunningEngine } from './support/engine-world.ts'

const ENVIRONMENT_KEY = `0x${'01'.repeat(32)}`
const SECRET = 'a-key-nobody-may-see'
const ALGORITHM = `
  const { mkdirSync, writeFileSync } = require('node:fs')
  const { OUTPUTS = '/data/outputs' } = process.env
  mkdirSync(OUTPUTS + '/tables')
  writeFileSync(OUTPUTS + '/tables/count.txt', '2')
  console.log('counted')`

describe('outputs that go to the consumer’s own storage', () => {
  let world: EngineWorld
  let server: Server
  let host: string
  let engine: RunningEngine
  /** What was put, by its path. */
  const kept = new Map<string, string>()
  let failures: number
  /** Whether requests that would be taken are left without an answer, and how many were. */
  let isHolding = false
  let held = 0

  beforeAll(async () => {
    world = await createEngineWorld()
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const isAllowed = request.headers.authorization === `Bearer ${SECRET}`
        const status = failures-- > 0 ? 403 : isAllowed ? 201 : 401
        if (status === 201 && isHolding) {
          held += 1
          return
        }
        if (status === 201) kept.set(request.url ?? '', body)
        response.writeHead(status).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(() => engine.kill('SIGTERM'))
  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await world.close()
  })

  /** Queues a job whose workflow names the storage, as the provider writes it. */
  async function queueJob(changes: Record<string, unknown> = {}, extra: Record<string, string> = {}): Promise<string> {
    kept.clear()
    held = 0
    const jobId = await world.queueJob(ALGORITHM)
    const output = {
      remoteStorage: { type: 'url', url: `http://${host}/mine/`, headers: { Authorization: `Bearer ${SECRET}` } },
      ...changes,
    }
    const encrypted = eciesEncrypt(publicKeyOf(ENVIRONMENT_KEY), Buffer.from(JSON.stringify(output)))
    const row = () => world.db('jobs').where({ workflowid: jobId })
    const [{ workflow } = { workflow: '' }] = await row().select<{ workflow: string }[]>('workflow')
    const stored = storedWorkflowSchema.parse(JSON.parse(workflow))
    for (const stage of stored.spec.metadata.stages) {
      stage.output.consumerOutput = `0x${Buffer.from(encrypted).toString('hex')}`
    }
    await row().update({ workflow: JSON.stringify(stored) })
    engine = await world.startEngine({ ...settings(), ...extra })
    return jobId
  }

  const settings = () => ({ OUTBOUND_ALLOW: `${world.origin},${host}`, DELIVERY_RETRY_SECONDS: '0.2' })

  const rowOf = ({ outputs }: JobRow, path: string) => outputs?.find((output) => output.path === path)
  const isDelivered = (job: JobRow): boolean =>
    ['outputs/tables/count.txt', 'logs/algorithm.log'].every((path) => rowOf(job, path)?.delivered === true)
  const waitForEvent = (jobId: string, what: string) =>
    waitUntil(async () => (await world.eventsOf(jobId)).includes(what), 120_000)

  it('arrive there, and are kept here too', async () => {
    failures = 0
    const job = await world.waitForJob(await queueJob(), ({ dateFinished }) => dateFinished !== null)
    expect(job.reason).toBeNull()
    expect(Object.fromEntries(kept)).toEqual({
      [`/mine/${job.jobId}/outputs/tables/count.txt`]: '2',
      [`/mine/${job.jobId}/logs/algorithm.log`]: expect.stringContaining('counted'),
    })
    expect(rowOf(job, 'outputs/tables/count.txt')).toMatchObject({ delivered: true, sha256: expect.any(String) })
    expect(rowOf(job, 'adminlogs/publish.log')).not.toHaveProperty('delivered')
    expect(await world.resultText(job, 'count.txt')).toBe('2')
  })

  it('behaviour: nothing but the publish step ever sees the key, and nothing says it', async () => {
    failures = 0
    const job = await world.waitForJob(await queueJob(), ({ dateFinished }) => dateFinished !== null)
    const { rows } = await world.db.raw<{ rows: unknown[] }>(
      'SELECT to_jsonb(jobs) AS row, (SELECT jsonb_agg(detail) FROM job_events) AS events FROM jobs',
    )
    const results = join(world.resultsFolder, job.jobId)
    const files = (await readdir(results, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'utf8')))
    for (const text of [JSON.stringify(rows), engine.output(), ...texts]) {
      expect(text).not.toContain(SECRET)
      expect(text).not.toContain(host)
    }
  })

  it('behaviour: are kept nowhere else where the consumer says so', async () => {
    failures = 0
    const job = await world.waitForJob(
      await queueJob({ keepsCopy: false }),
      ({ dateFinished }) => dateFinished !== null,
    )
    expect(kept.get(`/mine/${job.jobId}/outputs/tables/count.txt`)).toBe('2')
    expect(rowOf(job, 'outputs/tables/count.txt')).toMatchObject({ url: '', delivered: true, filesize: 1 })
    expect(await readdir(join(world.resultsFolder, job.jobId))).toEqual(['adminlogs'])
  })

  it('behaviour: what a storage refuses is kept, and brought again later without a copy of the job', async () => {
    failures = 4 // each of both files, in the step and once more
    const job = await world.waitForJob(await queueJob(), ({ dateFinished }) => dateFinished !== null, 120_000)
    expect(job.reason).toBeNull()
    const delivered = await world.waitForJob(job.jobId, isDelivered, 60_000)
    expect(kept.get(`/mine/${job.jobId}/outputs/tables/count.txt`)).toBe('2')
    expect(rowOf(delivered, 'outputs/tables/count.txt')).not.toHaveProperty('deliveryFailure')
    expect(await world.resultText(delivered, 'count.txt')).toBe('2')
    await waitForEvent(job.jobId, 'outputsDelivered')
    expect(await world.eventsOf(job.jobId)).toEqual(expect.arrayContaining(['deliveryDue', 'deliveryFailed']))
  })

  it('behaviour: what was kept for that alone goes when it has arrived', async () => {
    failures = 2
    const jobId = await queueJob({ keepsCopy: false })
    const job = await world.waitForJob(jobId, isDelivered, 120_000)
    expect(rowOf(job, 'outputs/tables/count.txt')).toMatchObject({ url: '', filesize: 1 })
    await waitForEvent(jobId, 'outputsDelivered')
    const files = await readdir(join(world.resultsFolder, jobId), { recursive: true, withFileTypes: true })
    const folders = files.filter((entry) => entry.isFile()).map(({ parentPath }) => basename(parentPath))
    expect(new Set(folders)).toEqual(new Set(['adminlogs']))
  })

  it('error: what never arrives is kept, although no copy was wanted, and the row says why', async () => {
    failures = Infinity
    const jobId = await queueJob({ keepsCopy: false }, { DELIVERY_LIMIT_SECONDS: '1' })
    await waitForEvent(jobId, 'deliveryGivenUp')
    const job = await world.waitForJob(jobId, ({ dateFinished }) => dateFinished !== null)
    expect(rowOf(job, 'outputs/tables/count.txt')).toMatchObject({
      deliveryFailure: 'The storage answered 403.',
    })
    expect(await world.resultText(job, 'count.txt')).toBe('2')
    expect(await world.eventsOf(jobId)).not.toContain('outputsDelivered')
  })

  it('behaviour: an engine killed while it brings them is followed by one that brings the rest', async () => {
    failures = 2
    isHolding = true // from then on each request is taken and never answered
    const jobId = await queueJob()
    await waitUntil(() => held > 0, 120_000)
    await engine.kill('SIGKILL')
    isHolding = false
    engine = await world.startEngine(settings())
    await world.waitForJob(jobId, isDelivered, 120_000)
    await waitForEvent(jobId, 'outputsDelivered')
    expect([...kept.keys()].sort()).toEqual([
      `/mine/${jobId}/logs/algorithm.log`,
      `/mine/${jobId}/outputs/tables/count.txt`,
    ])
    expect((await world.eventsOf(jobId)).filter((what) => what === 'outputsDelivered')).toHaveLength(1)
  }, 240_000)

  it('behaviour: one that is told to end gives them back at once', async () => {
    failures = 2
    isHolding = true
    const jobId = await queueJob()
    await waitUntil(() => held > 0, 120_000)
    await engine.kill('SIGTERM')
    isHolding = false
    const { rows } = await world.db.raw<{ rows: unknown[] }>(
      `SELECT job_id FROM output_deliveries WHERE state = 'due' AND next_at <= clock_timestamp()`,
    )
    expect(rows).toContainEqual({ job_id: jobId })
  })
})
