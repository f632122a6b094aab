import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  createEngineWorld,
  type EngineWorld,
  type QueueOptions,
  type RunningEngine,
} from '../../integration/support/engine-world.ts'
import { NODE_ADDRESS, openDoor } from './door.ts'
import { createEngineAccount } from './engine-account.ts'
import { providePodImages } from './pod-images.ts'
import { TEST_IMAGE, TEST_KUBECONFIG, createTestNamespace, type TestNamespace } from './test-cluster.ts'

const CLAIM = 'results'

/** The engine as a process, a real Postgres and an origin, with its jobs on the test cluster. */
export interface ClusterWorld extends EngineWorld {
  readonly namespace: TestNamespace
  /** Starts an engine whose jobs run in the world's namespace. @param placement see `environmentPlacementSchema` */
  startClusterEngine(placement?: object, extra?: Record<string, string>): Promise<RunningEngine>
  /** Queues a job whose algorithm is this Node source, in an image of the test registry. */
  queueClusterJob(source: string, options?: QueueOptions): Promise<string>
}

/** Makes a world around a namespace of its own. */
export async function createClusterWorld(purpose: string): Promise<ClusterWorld> {
  const images = await providePodImages()
  const namespace = await createTestNamespace(purpose)
  const world = await createEngineWorld()
  const kubeconfig = join(await mkdtemp(join(tmpdir(), 'c2d-engine-account-')), 'kubeconfig')
  await createEngineAccount(
    { namespace: namespace.name, kubeconfig: TEST_KUBECONFIG, file: kubeconfig },
    namespace.client,
  )
  const postgres = await openDoor(Number(new URL(world.databaseUrl).port))
  const origin = await openDoor(Number(world.origin.split(':')[1]))
  await namespace.client.create(`/api/v1/namespaces/${namespace.name}/persistentvolumeclaims`, {
    metadata: { name: CLAIM },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '64Mi' } } },
  })
  const canaryPort = 20_000 + (randomBytes(2).readUInt16BE() % 10_000)
  let engines = 0

  return {
    ...world,
    namespace,
    startClusterEngine(placement = {}, extra = {}) {
      const port = canaryPort + engines++
      return world.startEngine({
        EXECUTOR: 'kubernetes',
        KUBECONFIG: kubeconfig,
        POD_CONFIGURATION_CONTAINER: images.configuration,
        POD_PUBLISH_CONTAINER: images.publishing,
        POD_DATABASE_URL: podUrl(world, postgres.port),
        RESULTS_CLAIM: CLAIM,
        OUTBOUND_ALLOW: origin.address,
        SEAL_CANARY: `${NODE_ADDRESS}:${port}`,
        CANARY_HOST: NODE_ADDRESS,
        CANARY_PORT: String(port),
        ...world.environment({
          cpuNumber: 0.2,
          ramGB: 0.25,
          diskGB: 0.0625,
          kubernetes: { namespace: namespace.name, ...placement },
        }),
        ...extra,
      })
    },
    queueClusterJob: (source, options = {}) =>
      world.queueJob(source, {
        container: { ...splitImage(TEST_IMAGE.node), checksum: '' },
        inputUrl: `http://${origin.address}/data.csv`,
        ...options,
      }),
    async close() {
      await world.close()
      await Promise.all([postgres.close(), origin.close()])
      await namespace.remove()
      await rm(dirname(kubeconfig), { recursive: true })
    },
  }
}

function podUrl(world: EngineWorld, port: number): string {
  const url = new URL(world.podDatabaseUrl)
  url.hostname = NODE_ADDRESS
  url.port = String(port)
  return url.href
}

function splitImage(image: string): { image: string; tag: string } {
  const at = image.lastIndexOf(':')
  return { image: image.slice(0, at), tag: image.slice(at + 1) }
}
