import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { checkExpiry } from '../data-plane/check-expiry.ts'
import { checkResults } from '../data-plane/check-results.ts'
import { openDataPlane, type DataPlane } from '../data-plane/data-plane.ts'
import { createEngineWorld, type EngineWorld } from './support/engine-world.ts'

// On the servers that S3_TEST_ENDPOINT and IPFS_TEST_API name it is 1 GiB, else less; C2D_TEST_DATA_MIB decides.
const CONTAINER = { entrypoint: 'node $ALGO', image: 'node', tag: '20', checksum: `sha256:${'8'.repeat(64)}` }
const JOB_MS = 600_000

const closers: (() => Promise<void>)[] = []
let plane: DataPlane
let world: EngineWorld
beforeAll(async () => {
  world = await createEngineWorld()
  closers.push(() => world.close())
  plane = await openDataPlane(
    { host: '127.0.0.1', fromPods: (url) => Promise.resolve(url), container: CONTAINER },
    world,
  )
  closers.push(() => plane.close())
  await world.startEngine({
    ...plane.engineSettings,
    ...world.environment({ diskGB: 5, maxJobDuration: 600, publish: { manifest: true } }),
  })
}, 600_000)
afterAll(async () => {
  for (const close of closers.reverse()) await close()
}, 120_000)

describe('the whole data plane', () => {
  it(
    'behaviour: three datasets of all types of source arrive, and what a job made of them comes back byte by byte, from a bucket and from IPFS, through provider and operator-service, whole and in parts, until its time is over',
    async () => {
      expect(new Set(plane.datasets.flatMap(({ files }) => files.map(({ kind }) => kind))).size).toBe(6)
      const job = await plane.runJob(JOB_MS)
      await checkResults(job, plane)
      await checkExpiry(job.jobId, plane, world)
    },
    JOB_MS + 300_000,
  )
})
