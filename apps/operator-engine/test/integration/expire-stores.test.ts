import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { JOB_STATUS, type StoredResult } from '@c2d/contracts'
import { loadJob, loadResultKey } from '@c2d/operator-db'
import { createResultStores, type ResultStores } from '@c2d/storage'
import { openIpfsNode, type NodeUnderTest } from '../../../../packages/storage/test/integration/support/ipfs-node.ts'
import { openBucket, type BucketUnderTest } from '../../../../packages/storage/test/integration/support/s3-server.ts'
import { waitUntil } from './executor-conformance.ts'
import { createEngineWorld, type EngineWorld } from './support/engine-world.ts'
import { openHoldingGate, type HeldRequest } from './support/holding-gate.ts'

// Results whose time is over, in a bucket and on a node; real ones where S3_TEST_ENDPOINT and IPFS_TEST_API name them.

const PATIENCE_MS = 60_000
const FILES: readonly (readonly [string, number])[] = [
  ['outputs/large.bin', 1_500_000],
  ['outputs/deep/small.csv', 5],
  ['logs/algorithm.log', 70_000],
  ['adminlogs/configure.log', 1_000],
]

const DELETE = /^POST .*\?.*delete/
const UNPIN = /\/pin\/rm/

/** Where an engine is killed, as its requests tell. */
const MOMENTS: readonly { moment: string; place: 's3' | 'ipfs'; hold: HeldRequest }[] = [
  { moment: 'before a bucket deletes', place: 's3', hold: { matches: DELETE, after: 0, isDone: false } },
  { moment: 'when a bucket has deleted', place: 's3', hold: { matches: DELETE, after: 0, isDone: true } },
  { moment: 'between two buckets', place: 's3', hold: { matches: DELETE, after: 1, isDone: false } },
  { moment: 'before anything is unpinned', place: 'ipfs', hold: { matches: UNPIN, after: 0, isDone: false } },
  { moment: 'when one object is unpinned', place: 'ipfs', hold: { matches: UNPIN, after: 0, isDone: true } },
  { moment: 'between two objects', place: 'ipfs', hold: { matches: UNPIN, after: 2, isDone: false } },
  {
    moment: 'when the last object is unpinned',
    place: 'ipfs',
    hold: { matches: UNPIN, after: FILES.length, isDone: true },
  },
]

let world: EngineWorld
let bucket: BucketUnderTest
let node: NodeUnderTest
let stores: ResultStores
const closers: (() => Promise<void>)[] = []

beforeEach(async () => {
  world = await createEngineWorld()
  closers.push(() => world.close())
  bucket = await openBucket()
  closers.push(() => bucket.close())
  node = await openIpfsNode()
  closers.push(() => node.close())
  stores = createResultStores(
    { targets: [bucket.target, { backend: 'ipfs', apiUrl: node.apiUrl }] },
    {
      keys: {
        keep: ({ jobId, object, key }) => world.db('result_keys').insert({ job_id: jobId, object, key }),
        load: (jobId, object) => loadResultKey(world.db, { jobId, object }),
      },
    },
  )
})
afterEach(async () => {
  stores.close()
  for (const close of closers.splice(0).reverse()) await close()
}, PATIENCE_MS)

interface KeptJob {
  jobId: string
  outputs: StoredResult[]
  /** The objects on the node that its rows name. */
  cids: string[]
}

/** A job that ended two days ago, with results in both places and one object that no row names; its time is over. */
async function keepJob(): Promise<KeptJob> {
  const jobId = randomBytes(16).toString('hex')
  const put = (path: string, bytes: Buffer) =>
    Promise.all(stores.targets.map(({ store }) => store.put(jobId, path, Readable.from([bytes]))))
  const outputs: StoredResult[] = []
  for (const [path, size] of FILES) {
    const [first, second] = await put(path, randomBytes(size))
    if (!first || !second) throw new Error('there are two places')
    const filename = path.split('/').at(-1) ?? ''
    outputs.push({
      filename,
      filesize: size,
      url: first.url,
      type: 'output',
      sha256: first.sha256,
      copies: [second.url],
    })
  }
  await put('outputs/nobody-names-it', randomBytes(300_000))
  await world.db('jobs').insert({
    workflowid: jobId,
    agreementid: jobId,
    namespace: 'engine-tests',
    status: JOB_STATUS.finished.code,
    datefinished: world.db.raw("now() - interval '2 days'"),
    results_expire_at: world.db.raw("now() - interval '1 day'"),
    outputsurl: JSON.stringify(outputs),
  })
  return { jobId, outputs, cids: outputs.flatMap(({ copies = [] }) => copies.map((url) => url.split('/')[1] ?? '')) }
}

function settings(endpoints: { s3: string; ipfs: string }): Record<string, string> {
  const { target } = bucket
  return {
    RESULTS_TARGETS: 's3,ipfs',
    AWS_BUCKET_OUTPUT: target.bucket,
    AWS_BUCKET_ADMINLOGS: target.adminlogsBucket ?? '',
    AWS_REGION: target.region,
    AWS_ACCESS_KEY_ID: target.credentials?.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: target.credentials?.secretAccessKey.reveal() ?? '',
    S3_ENDPOINT: endpoints.s3,
    S3_PREFIX: target.prefix,
    IPFS_OUTPUT: endpoints.ipfs,
  }
}

const direct = (): { s3: string; ipfs: string } => ({ s3: bucket.target.endpoint ?? '', ipfs: node.apiUrl })

/**
 * What is left of a job in both places: keys of the buckets and pins. Blocks are deleted at once where a node is quick,
 * as the small one is; a real one with much on it collects what is left by itself.
 */
async function leftOf(job: KeptJob): Promise<string[]> {
  const held: string[] = []
  if (!node.isReal) for (const cid of job.cids) if (await node.holds(cid)) held.push(cid)
  return [
    ...(await bucket.keysBelow(`${bucket.target.prefix}${job.jobId}/`)),
    ...(await node.pinsOf(job.jobId)),
    ...held,
  ]
}

async function assertGone(job: KeptJob): Promise<void> {
  expect(await leftOf(job)).toEqual([])
  for (const url of job.outputs.flatMap(({ url, copies = [] }) => [url, ...copies])) {
    await expect(stores.stat(url)).rejects.toMatchObject({ code: 'NotFound' })
  }
  expect((await loadJob(world.db, job.jobId))?.outputs).toEqual(
    job.outputs.map(({ copies: _copies, ...result }) => ({ ...result, url: '', expired: true })),
  )
  expect(await world.eventsOf(job.jobId)).toEqual(['resultsExpired'])
  expect(await world.db('result_keys').where({ job_id: job.jobId })).toEqual([])
}

const isExpired = async (jobId: string): Promise<boolean> => (await world.eventsOf(jobId)).includes('resultsExpired')

describe('results in a bucket and on a node, when their time is over', () => {
  it(
    'behaviour: nothing is left of them in either place but the record of what they were; those of others stay',
    async () => {
      const [job, other] = [await keepJob(), await keepJob()]
      await world.db('jobs').where({ workflowid: other.jobId }).update({ results_expire_at: null })
      const before = await leftOf(other)
      expect(before.length).toBeGreaterThanOrEqual(2 * (FILES.length + 1))
      await world.startEngine(settings(direct()))
      await waitUntil(() => isExpired(job.jobId), PATIENCE_MS)
      await assertGone(job)
      expect(await leftOf(other)).toEqual(before)
      expect(await isExpired(other.jobId)).toBe(false)
      await stores.remove(other.jobId, [])
    },
    PATIENCE_MS * 2,
  )

  it.each(MOMENTS)(
    'behaviour: an engine that is killed $moment leaves no record, and the next one finishes',
    async ({ place, hold }) => {
      const job = await keepJob()
      const gate = await openHoldingGate(direct()[place], hold)
      closers.push(() => gate.close())
      const first = await world.startEngine(settings({ ...direct(), [place]: gate.url }))
      await gate.held
      await first.kill('SIGKILL')
      expect((await loadJob(world.db, job.jobId))?.outputs).toEqual(job.outputs)
      expect(await world.eventsOf(job.jobId)).toEqual([])

      await world.startEngine(settings(direct()))
      await waitUntil(() => isExpired(job.jobId), PATIENCE_MS)
      await assertGone(job)
    },
    PATIENCE_MS * 2,
  )
})
