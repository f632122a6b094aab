import { buffer } from 'node:stream/consumers'
import { createHash } from 'node:crypto'
import { loadResultKey, type JobRow } from '@c2d/operator-db'
import { createResultStores, type ResultStores, type ResultsConfig } from '@c2d/storage'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startIpfsFake } from '../../../../packages/storage/test/integration/support/ipfs-fake.ts'
import { openBucket, type BucketUnderTest } from '../../../../packages/storage/test/integration/support/s3-server.ts'
import { waitUntil } from './executor-conformance.ts'
import { createEngineWorld, type EngineWorld } from './support/engine-world.ts'

// A job whose results go to a bucket and to IPFS, by the engine's own settings; real servers where S3_TEST_ENDPOINT and
// IPFS_TEST_API name them.

const isFinished = (job: JobRow): boolean => job.dateFinished !== null
const SIZE = 12 * 1024 ** 2
const CURIOUS = `
  const fs = require('fs')
  fs.mkdirSync('/data/outputs/deep', { recursive: true })
  fs.writeFileSync('/data/outputs/deep/large.bin', Buffer.alloc(${SIZE}, 'results '))
  console.log(JSON.stringify(process.env))
  for (const folder of ['/data', '/data/adminlogs', '/run/c2d', '/tmp']) {
    try { console.log(folder, fs.readdirSync(folder, { recursive: true }).join()) } catch (error) { console.log(folder, error.code) }
  }`

let world: EngineWorld
let bucket: BucketUnderTest
let node: { url: string; close(): Promise<void> }
let stores: ResultStores
let settings: Record<string, string>

beforeEach(async () => {
  world = await createEngineWorld()
  bucket = await openBucket()
  const api = process.env['IPFS_TEST_API']
  node = api ? { url: api, close: () => Promise.resolve() } : await startIpfsFake()
  const { target } = bucket
  settings = {
    RESULTS_TARGETS: 's3,ipfs',
    AWS_BUCKET_OUTPUT: target.bucket,
    AWS_BUCKET_ADMINLOGS: target.adminlogsBucket ?? '',
    AWS_REGION: target.region,
    AWS_ACCESS_KEY_ID: target.credentials?.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: target.credentials?.secretAccessKey.reveal() ?? '',
    S3_ENDPOINT: target.endpoint ?? '',
    S3_PREFIX: target.prefix,
    IPFS_OUTPUT: node.url,
  }
  const config: ResultsConfig = { targets: [target, { backend: 'ipfs', apiUrl: node.url }] }
  stores = createResultStores(config, {
    keys: { load: (jobId, object) => loadResultKey(world.db, { jobId, object }) },
  })
})
afterEach(async () => {
  await world.close()
  stores.close()
  await node.close()
  await bucket.close()
})

describe('results in a bucket and on IPFS', () => {
  it('are there byte by byte after a job, and gone after their time; the algorithm saw no key', async () => {
    await world.startEngine({ ...settings, ...world.environment({ storageExpiry: 15, publish: { manifest: true } }) })
    const jobId = await world.queueJob(CURIOUS)
    const job = await world.waitForJob(jobId, isFinished, 60_000)
    expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0 })

    const wanted = Buffer.alloc(SIZE, 'results ')
    const rows = job.outputs ?? []
    expect(rows.map(({ path }) => path)).toEqual([
      'outputs/deep/large.bin',
      'manifest.json',
      'logs/algorithm.log',
      'adminlogs/configure.log',
      'adminlogs/publish.log',
    ])
    expect(rows[0]).toMatchObject({ filesize: SIZE, sha256: createHash('sha256').update(wanted).digest('hex') })
    for (const row of rows) {
      const addresses = [row.url, ...(row.copies ?? [])]
      expect(addresses.map((address) => address.split(':')[0])).toEqual(['s3', 'ipfs'])
      const [one, two] = await Promise.all(addresses.map(async (address) => buffer(await stores.open(address))))
      expect([row.path, one?.length, one?.equals(two ?? Buffer.alloc(0))]).toEqual([row.path, row.filesize, true])
    }
    expect((await buffer(await stores.open(rows[0]?.url ?? ''))).equals(wanted)).toBe(true)

    const log = (await buffer(await stores.open(rows[2]?.url ?? ''))).toString()
    expect(log).toContain('"DIDS"')
    for (const secret of [settings['AWS_SECRET_ACCESS_KEY'], settings['S3_ENDPOINT'], node.url, bucket.target.bucket]) {
      expect(log).not.toContain(secret)
    }
    expect(log).not.toMatch(/AWS_|S3_|IPFS_|results\.json/)

    const urls = rows.flatMap(({ url, copies = [] }) => [url, ...copies])
    await waitUntil(async () => {
      const left = await Promise.all(
        urls.map(async (url) =>
          stores.stat(url).then(
            () => 1,
            () => 0,
          ),
        ),
      )
      return left.every((one) => one === 0)
    }, 60_000)
    await waitUntil(async () => (await world.eventsOf(jobId)).includes('resultsExpired'))
    expect(await world.db('result_keys').where({ job_id: jobId })).toEqual([])
  }, 120_000)
})
