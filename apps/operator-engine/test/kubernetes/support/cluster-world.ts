import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { loadAllYaml } from '@kubernetes/client-node'
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
/** What all jobs of a namespace may take, as it is shipped. */
const LIMITS_FILE = join(import.meta.dirname, '../../../../../deploy/kubernetes/jobs/limits.yaml')

/** The engine as a process, a real Postgres and an origin, with its jobs on the test cluster. */
export interface ClusterWorld extends EngineWorld {
  readonly namespace: TestNamespace
  /** Starts an engine whose jobs run in the world's namespace. @param placement see `environmentPlacementSchema` */
  startClusterEngine(placement?: object, extra?: Record<string, string>): Promise<RunningEngine>
  /** Another namespace for jobs of this world's engines, with the rights and the limits that are shipped. */
  addNamespace(purpose: string): Promise<TestNamespace>
  /** Queues a job whose algorithm is this Node source, in an image of the test registry. */
  queueClusterJob(source: string, options?: QueueOptions): Promise<string>
}

/** Makes a world around a namespace of its own. */
export async function createClusterWorld(purpose: string): Promise<ClusterWorld> {
  const images = await providePodImages()
  const namespace = await createTestNamespace(purpose)
  const world = await createEngineWorld()
  const kubeconfig = join(await mkdtemp(join(tmpdir(), 'c2d-engine-account-')), 'kubeconfig')
  const account = await createEngineAccount(
    { namespace: namespace.name, kubeconfig: TEST_KUBECONFIG, file: kubeconfig },
    namespace.client,
  )
  const postgres = await openDoor(Number(new URL(world.databaseUrl).port))
  const origin = await openDoor(Number(world.origin.split(':')[1]))
  const claimResults = ({ client, name }: TestNamespace) =>
    client.create(`/api/v1/namespaces/${name}/persistentvolumeclaims`, {
      metadata: { name: CLAIM },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '256Mi' } } },
    })
  await claimResults(namespace)
  const others: TestNamespace[] = []
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
    async addNamespace(other) {
      const added = await createTestNamespace(other)
      others.push(added)
      await account.grant(added.name)
      for (const object of await loadLimits()) {
        await added.client.create(`/api/v1/namespaces/${added.name}/${object.kind.toLowerCase()}s`, object)
      }
      await claimResults(added)
      return added
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
      for (const each of [namespace, ...others]) await each.remove()
      await rm(dirname(kubeconfig), { recursive: true })
    },
  }
}

async function loadLimits(): Promise<{ kind: string }[]> {
  const objects: unknown = loadAllYaml(await readFile(LIMITS_FILE, 'utf8'))
  // The library's classes call the member `_default`, as `default` is a word of the language.
  return JSON.parse(JSON.stringify(objects).replaceAll('"_default"', '"default"')) as { kind: string }[]
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
