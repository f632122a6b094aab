import { afterAll, beforeAll, describe, it } from '@jest/globals'
import { checkExpiry } from '../data-plane/check-expiry.ts'
import { checkResults } from '../data-plane/check-results.ts'
import { openDataPlane, type DataPlane } from '../data-plane/data-plane.ts'
import { createClusterWorld, type ClusterWorld } from './support/cluster-world.ts'
import { NODE_ADDRESS, openDoor } from './support/door.ts'
import { TEST_IMAGE } from './support/test-cluster.ts'

// As on one machine (data-plane.test.ts), with pods that reach provider and stores at the node's address.
const JOB_MS = 600_000

const closers: (() => Promise<void>)[] = []
let plane: DataPlane
let world: ClusterWorld
beforeAll(async () => {
  world = await createClusterWorld('data')
  closers.push(() => world.close())
  plane = await openDataPlane({ host: NODE_ADDRESS, fromPods, container: await describeContainer() }, world)
  closers.push(() => plane.close())
  await world.startClusterEngine(
    {},
    {
      ...plane.engineSettings,
      ...world.environment({
        cpuNumber: 0.5,
        ramGB: 0.5,
        diskGB: (3 * plane.totalBytes) / 1024 ** 3,
        maxJobDuration: 600,
        publish: { manifest: true },
        kubernetes: { namespace: world.namespace.name },
      }),
    },
  )
}, 600_000)
afterAll(async () => {
  for (const close of closers.reverse()) await close()
}, 180_000)

describe('the whole data plane on the cluster', () => {
  it(
    'behaviour: three datasets of all types of source arrive in a volume, and what a job made of them comes back byte by byte, from a bucket and from IPFS, until its time is over',
    async () => {
      const job = await plane.runJob(JOB_MS)
      await checkResults(job, plane)
      await checkExpiry(job.jobId, plane, world)
    },
    JOB_MS + 300_000,
  )
})

/** Real stores listen at the node's address too; stand-ins, which do not, get a door there. */
async function fromPods(url: string): Promise<string> {
  const { protocol, port } = new URL(url)
  const isReal = process.env['S3_TEST_ENDPOINT'] === url || process.env['IPFS_TEST_API'] === url
  if (isReal) return `${protocol}//${NODE_ADDRESS}:${port}`
  const door = await openDoor(Number(port))
  closers.push(() => door.close())
  return `${protocol}//${door.address}`
}

/** The test image, pinned, as a published algorithm names it. */
async function describeContainer(): Promise<object> {
  const [, registry = '', image = '', tag = ''] = /^([^/]+)\/(.+):([^:]+)$/.exec(TEST_IMAGE.node) ?? []
  const types = ['oci.image.index.v1', 'oci.image.manifest.v1', 'docker.distribution.manifest.v2']
  const answer = await fetch(`http://${registry}/v2/${image}/manifests/${tag}`, {
    method: 'HEAD',
    headers: { Accept: types.map((type) => `application/vnd.${type}+json`).join(', ') },
  })
  const checksum = answer.headers.get('docker-content-digest') ?? ''
  return { entrypoint: 'node $ALGO', image: `${registry}/${image}`, tag, checksum }
}
