import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals'
import { STEP_FILE, type StepPublish, type StoredResult } from '@c2d/contracts'
import {
  MIGRATIONS,
  claimJobs,
  insertJob,
  loadJob,
  loadResultKey,
  registerStepToken,
  setPodPassword,
} from '@c2d/operator-db'
import { migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import { createResultStores, formatResultsConfig, type ResultStores, type ResultsConfig } from '@c2d/storage'
import { buildQueuedJob, createTestDatabase, podDatabaseUrl, TEST_POD_PASSWORD, type TestDatabase } from '@c2d/testing'
import { startIpfsFake } from '../../../../../packages/storage/test/integration/support/ipfs-fake.ts'
import { openBucket, type BucketUnderTest } from '../../../../../packages/storage/test/integration/support/s3-server.ts'

// The pod as an engine starts it, storing to a folder, a bucket and a node of IPFS at once; and what a reader that has
// the rights of operator-service gets back. Real servers where S3_TEST_ENDPOINT and IPFS_TEST_API name them. A database
// and a bucket for each file that imports this, a job for each of its tests.

/** The built pod. */
export const POD = fileURLToPath(new URL('../../../dist/pod.mjs', import.meta.url))

let database: TestDatabase
export let db: Database
export let service: Database
export let bucket: BucketUnderTest
export let node: { url: string; close(): Promise<void> }
export let folder: string
export let config: ResultsConfig
export let stores: ResultStores
export let job: { jobId: string; epoch: number; token: string }

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
  const stage = { input: [], algorithm: { container: { entrypoint: 'x', image: 'x' } }, compute: {}, output: {} }
  const { jobId } = await insertJob(db, buildQueuedJob(environment, stage))
  const [claimed] = await claimJobs(db, { environment, maxJobs: 1, claimedBy: 'engine-1', leaseSeconds: 60 })
  if (!claimed) throw new Error('nothing was claimed')
  const token = randomBytes(32).toString('hex')
  await registerStepToken(db, { jobId, step: 'publish', epoch: claimed.epoch, token })
  return { jobId, epoch: claimed.epoch, token }
}

/** Puts a file onto the job's volume. */
export async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(join(folder, 'data', path, '..'), { recursive: true })
  await writeFile(join(folder, 'data', path), content)
}

/** How one run of the pod went. */
export interface Run {
  exitCode: number
  output: string
}

/** Runs the pod as an executor does: its files in a folder of its own, nothing of ours in its environment. */
export async function runPod(over: Partial<StepPublish> = {}, to = config): Promise<Run> {
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

/** The rows that the pod reported. */
export const rowsOf = async (): Promise<StoredResult[]> => (await loadJob(db, job.jobId))?.outputs ?? []
/** What is stored at an address, as a reader with the rights of operator-service gets it. */
export const read = async (url: string, range?: { start: number; end: number }) => buffer(await stores.open(url, range))
