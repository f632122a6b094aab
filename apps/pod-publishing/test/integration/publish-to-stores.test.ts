import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { STEP_FILE, type StepPublish, type StoredResult } from '@c2d/contracts'
import {
  MIGRATIONS,
  claimJobs,
  finishJob,
  insertJob,
  listEvents,
  loadJob,
  loadResultKey,
  markResultsRemoved,
  registerStepToken,
  setPodPassword,
} from '@c2d/operator-db'
import { migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import { createResultStores, formatResultsConfig, type ResultStores, type ResultsConfig } from '@c2d/storage'
import { createTestDatabase, podDatabaseUrl, TEST_POD_PASSWORD, type TestDatabase } from '@c2d/testing'
import { startIpfsFake } from '../../../../packages/storage/test/integration/support/ipfs-fake.ts'
import { openBucket, type BucketUnderTest } from '../../../../packages/storage/test/integration/support/s3-server.ts'

// The pod as an engine starts it, storing to a folder, a bucket and a node of IPFS at once; and what a reader that has
// the rights of operator-service gets back. Real servers where S3_TEST_ENDPOINT and IPFS_TEST_API name them.

const POD = fileURLToPath(new URL('../../dist/pod.mjs', import.meta.url))
const MIB = 1024 ** 2

let database: TestDatabase
let db: Database
let service: Database
let bucket: BucketUnderTest
let node: { url: string; close(): Promise<void> }
let folder: string
let config: ResultsConfig
let stores: ResultStores
let job: { jobId: string; epoch: number; token: string }

beforeAll(async () => {
  database = await createTestDatabase({
    template: 'operator',
    migrate: async (url) => {
      const template = openDatabase({ url, applicationName: 'template' })
      await migrateToLatest(template, MIGRATIONS)
      await template.destroy()
    },
  })
  db = openDatabase({ url: database.url, applicationName: 'publishing tests' })
  const asService = new URL(database.url)
  asService.searchParams.set('options', '-c timezone=UTC -c role=c2d_service')
  service = openDatabase({ url: asService.toString(), applicationName: 'reader' })
  await setPodPassword(db, TEST_POD_PASSWORD)
  bucket = await openBucket()
  const api = process.env['IPFS_TEST_API']
  node = api ? { url: api, close: () => Promise.resolve() } : await startIpfsFake()
})
afterAll(async () => {
  await node.close()
  await bucket.close()
  await service.destroy()
  await db.destroy()
  await database.drop()
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2d-publishing-'))
  await mkdir(join(folder, 'step'))
  config = {
    targets: [
      { backend: 'filesystem', root: join(folder, 'results') },
      bucket.target,
      { backend: 'ipfs', apiUrl: node.url },
    ],
  }
  stores = createResultStores(config, { keys: { load: (jobId, object) => loadResultKey(service, { jobId, object }) } })
  job = await claimJob()
})
afterEach(async () => {
  stores.close()
  await rm(folder, { recursive: true, force: true })
})

async function claimJob(): Promise<typeof job> {
  const environment = `env-${randomBytes(6).toString('hex')}`
  const jobId = randomBytes(16).toString('hex')
  const stage = { input: [], algorithm: { container: { entrypoint: 'x', image: 'x' } }, compute: {}, output: {} }
  await insertJob(db, {
    jobId,
    agreementId: `0x${randomBytes(32).toString('hex')}`,
    owner: '0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e',
    environment,
    workflow: {
      apiVersion: 'v0.0.1',
      kind: 'WorkFlow',
      metadata: { name: jobId, namespace: environment, labels: { workflow: jobId }, secret: 'ab'.repeat(16) },
      spec: { metadata: { stages: [stage] } },
    },
    chainId: 8996,
    validUntil: null,
    provider: '0xe08A1dAe983BC701D05E492DB80e0144f8f4b909',
    requestKey: randomBytes(32).toString('hex'),
  })
  const [claimed] = await claimJobs(db, { environment, maxJobs: 1, claimedBy: 'engine-1', leaseSeconds: 60 })
  if (!claimed) throw new Error('nothing was claimed')
  const token = randomBytes(32).toString('hex')
  await registerStepToken(db, { jobId, step: 'publish', epoch: claimed.epoch, token })
  return { jobId, epoch: claimed.epoch, token }
}

async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(join(folder, 'data', path, '..'), { recursive: true })
  await writeFile(join(folder, 'data', path), content)
}

interface Run {
  exitCode: number
  output: string
}

/** Runs the pod as an executor does: its files in a folder of its own, nothing of ours in its environment. */
async function runPod(over: Partial<StepPublish> = {}, to = config): Promise<Run> {
  const limits = { maxFiles: 1_000, maxFileBytes: 1e9, maxTotalBytes: 1e9, archive: 'none', manifest: false, ...over }
  const files = {
    [STEP_FILE.report]: JSON.stringify({ databaseUrl: podDatabaseUrl(database.url), token: job.token }),
    [STEP_FILE.publish]: JSON.stringify(limits),
    [STEP_FILE.results]: formatResultsConfig(to),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, 'step', name), text)
  const env = { PATH: process.env['PATH'] ?? '', STEP_FILES: join(folder, 'step'), VOLUME: join(folder, 'data') }
  return new Promise((resolve) => {
    execFile(process.execPath, [POD, '--workflowid', job.jobId], { env }, (error, stdout, stderr) => {
      resolve({ exitCode: error ? Number(error.code) : 0, output: `${stdout}${stderr}` })
    })
  })
}

const rowsOf = async (): Promise<StoredResult[]> => (await loadJob(db, job.jobId))?.outputs ?? []
const read = async (url: string, range?: { start: number; end: number }) => buffer(await stores.open(url, range))

describe('a job that publishes to a folder, a bucket and IPFS', () => {
  it('has every file in all three, byte by byte, in whole and in ranges', async () => {
    const contents: Record<string, Buffer> = {
      'outputs/empty': Buffer.alloc(0),
      'outputs/large.bin': randomBytes(20 * MIB + 7),
      'outputs/tables/Ergebnis äöü 結果.csv': Buffer.from('a,b\n1,2\n'),
      'logs/algorithm.log': Buffer.from('hello\n'),
      'adminlogs/configure.log': Buffer.from('staged\n'),
    }
    for (const [path, bytes] of Object.entries(contents)) await put(path, bytes)
    const run = await runPod()
    expect([run.exitCode, run.output]).toEqual([0, expect.stringContaining('0 lost')])

    const rows = await rowsOf()
    expect(rows.map(({ path, type }) => [path, type])).toEqual([
      ['outputs/empty', 'output'],
      ['outputs/large.bin', 'output'],
      ['outputs/tables/Ergebnis äöü 結果.csv', 'output'],
      ['logs/algorithm.log', 'algorithmLog'],
      ['adminlogs/configure.log', 'configrationLog'],
      ['adminlogs/publish.log', 'publishLog'],
    ])
    for (const row of rows) {
      const addresses = [row.url, ...(row.copies ?? [])]
      expect(addresses.map((address) => address.split(':')[0])).toEqual(['filesystem', 's3', 'ipfs'])
      for (const address of addresses) {
        const bytes = await read(address)
        expect(await stores.stat(address)).toEqual({ sizeBytes: row.filesize })
        expect(bytes.length).toBe(row.filesize)
        const wanted = contents[row.path ?? '']
        if (wanted) expect([address, bytes.equals(wanted)]).toEqual([address, true])
      }
    }
    const large = contents['outputs/large.bin'] ?? Buffer.alloc(0)
    for (const address of [rows[1]?.url, ...(rows[1]?.copies ?? [])]) {
      const part = await read(address ?? '', { start: 10 * MIB - 3, end: 10 * MIB + 100_000 })
      expect([address, part.equals(large.subarray(10 * MIB - 3, 10 * MIB + 100_001))]).toEqual([address, true])
    }
  }, 60_000)

  it('behaviour: no key and no address of a server is in what the consumer or an algorithm could see', async () => {
    await put('outputs/a', 'secret')
    const run = await runPod()
    const [row] = await rowsOf()
    const shown = JSON.stringify([await rowsOf(), await listEvents(db, job.jobId), run.output])
    const keys = await db('result_keys').where({ job_id: job.jobId })
    expect(keys).toHaveLength(2)
    for (const { key } of keys as { key: Buffer }[]) {
      expect(shown).not.toContain(key.toString('hex'))
      expect(shown).not.toContain(key.toString('base64'))
    }
    const { credentials, endpoint = '' } = bucket.target
    for (const secret of [
      credentials?.secretAccessKey.reveal() ?? '',
      endpoint,
      node.url,
      job.token,
      bucket.target.bucket,
    ]) {
      expect(shown).not.toContain(secret)
    }
    const object = row?.copies?.[1]?.split('/')[1] ?? ''
    expect(await loadResultKey(service, { jobId: job.jobId, object })).toHaveLength(32)
  })

  it('behaviour: their removal leaves nothing anywhere, and no key', async () => {
    await put('outputs/a', 'x')
    await runPod()
    const rows = await rowsOf()
    const urls = rows.flatMap(({ url, copies = [] }) => [url, ...copies])
    await finishJob(db, { jobId: job.jobId, epoch: job.epoch, by: 'engine-1', resultsKeptSeconds: 1e-6 })
    const remover = createResultStores(config)
    await remover.remove(job.jobId, urls)
    remover.close()
    for (const url of urls) await expect(stores.open(url)).rejects.toMatchObject({ code: 'NotFound' })
    await markResultsRemoved(db, { jobId: job.jobId, by: 'engine-1', outputs: rows })
    expect(await db('result_keys').where({ job_id: job.jobId })).toEqual([])
    expect(await readdir(join(folder, 'results'))).toEqual([])
  })
})

describe('a place that cannot be reached', () => {
  it('behaviour: costs the others nothing; exit code 1 lets the engine try again', async () => {
    await put('outputs/a', 'x')
    const broken: ResultsConfig = {
      targets: [
        { backend: 'filesystem', root: join(folder, 'results') },
        { ...bucket.target, endpoint: 'http://127.0.0.1:1' },
      ],
    }
    const run = await runPod({}, broken)
    expect(run.exitCode).toBe(1)
    const [row] = await rowsOf()
    expect(row).toMatchObject({ filename: 'a', failure: expect.stringMatching(/^s3: /), path: 'outputs/a' })
    expect((await read(row?.url ?? '')).toString()).toBe('x')
    expect((await runPod()).exitCode).toBe(0)
    expect((await rowsOf())[0]).not.toHaveProperty('failure')
  }, 120_000)
})

describe('what an environment does not allow', () => {
  it('behaviour: becomes the reason of the job, with a row that says why, and is not tried again', async () => {
    await put('outputs/a.csv', 'x')
    await put('outputs/b.exe', 'x')
    const run = await runPod({ allowedTypes: ['text/csv'] })
    expect(run.exitCode).toBe(0)
    expect(await loadJob(db, job.jobId)).toMatchObject({ reason: 'OutputRefused' })
    const rows = await rowsOf()
    expect(rows.at(-1)).toMatchObject({ filename: 'b.exe', url: '', failure: expect.stringContaining('type') })
    expect((await listEvents(db, job.jobId)).map(({ what }) => what)).toContain('outputsRefused')
  })
})

describe('outputs made in bad faith', () => {
  it('behaviour: are published as far as they are files, and nothing outside of them is', async () => {
    await put('inputs/secret', 'the dataset')
    await put('outputs/good', 'good')
    const outputs = join(folder, 'data/outputs')
    await symlink(join(folder, 'data/inputs/secret'), join(outputs, 'link'))
    await symlink('/etc', join(outputs, 'etc'))
    execFileSync('mkfifo', [join(outputs, 'pipe')])
    await writeFile(Buffer.concat([Buffer.from(`${outputs}/`), Buffer.from([0xff, 0x0a, 0x61])]), 'odd')
    const run = await runPod({ archive: 'beside' })
    expect(run.exitCode).toBe(0)
    const rows = await rowsOf()
    expect(rows.map(({ path }) => path)).toEqual([
      'outputs/good',
      'outputs/%FF%0Aa',
      'outputs.tar',
      'adminlogs/publish.log',
    ])
    const stored = await Promise.all(rows.map(async ({ url }) => (await read(url)).toString()))
    expect(stored.join()).not.toMatch(/the dataset|root:x/)
    expect(stored.at(-1)).toMatch(/Left out outputs\/link: it is neither a file nor a folder/)
  })

  it('behaviour: thousands of small files go to all places', async () => {
    const outputs = join(folder, 'data/outputs')
    await mkdir(outputs, { recursive: true })
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => writeFile(join(outputs, String(n)), `file ${n}`)))
    const run = await runPod({ maxFiles: 2_000 })
    expect(run.exitCode).toBe(0)
    const rows = await rowsOf()
    expect(rows).toHaveLength(2_001)
    const some = rows.filter((_, n) => n % 97 === 0 && n < 2_000)
    for (const row of some) {
      for (const address of [row.url, ...(row.copies ?? [])]) {
        expect((await read(address)).toString()).toBe(`file ${row.filename}`)
      }
    }
  }, 120_000)
})

describe('the step', () => {
  it('error: of an option that is none it says one line, and ends with 2; --help tells those that are', () => {
    const run = (option: string) => spawnSync(process.execPath, [POD, option], { encoding: 'utf8', env: {} })
    expect(run('--credentials')).toMatchObject({ status: 2, stdout: '', stderr: "Unknown option '--credentials'\n" })
    expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--step-files FOLDER') })
  })

  it('error: refuses a configuration that is none, and does not tell its token', async () => {
    await put('outputs/a', 'x')
    const run = await runPod({}, { targets: [] })
    expect(run.exitCode).toBe(1)
    expect(run.output).not.toContain(job.token)
    expect(await readFile(join(folder, 'step', STEP_FILE.results), 'utf8')).toBe('{"targets":[]}')
  })
})
