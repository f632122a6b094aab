import { randomBytes } from 'node:crypto'
import { findFreePort } from '@c2d/dev-servers'
import type { NewJob } from '@c2d/operator-db'
import { openDoor } from '@c2d/testing'
import { createBenchWorld } from '../operator/bench-world.ts'
import { buildJob } from '../operator/build-job.ts'
import { createKubectl, type Kubectl } from './kubectl.ts'
import { providePodImages } from './pod-images.ts'

/** A namespace of a cluster, and an engine for it. */
export interface ClusterWorld {
  readonly kubectl: Kubectl
  readonly namespace: string
  /** Image of the bare Jobs, and of the algorithm. */
  readonly image: string
  readonly databaseUrl: string
  readonly engine: { entry: string; env: Record<string, string> }
  /** A trivial job, as operator-service queues it. */
  buildTrivialJob(source: string, isBurst: boolean): NewJob
  close(): Promise<void>
}

const CLAIM = 'results'
const BURST = '-burst'

/** Sets up what the cluster needs for jobs: a namespace held to `restricted`, images, and doors to this machine's servers. */
export async function createClusterWorld(options: {
  kubeconfig: string
  registry: string
  nodeAddress: string
  maxJobs: number
}): Promise<ClusterWorld> {
  const { kubeconfig, maxJobs, nodeAddress, registry } = options
  const kubectl = createKubectl(kubeconfig)
  const namespace = `k8s-bench-${randomBytes(3).toString('hex')}`
  const images = await providePodImages(registry)
  const image = `${registry}/node:24-bookworm-slim`
  const world = await createBenchWorld()
  const databaseUrl = await world.createDatabase('kubernetes')
  const { entry, env } = world.engineProgram(databaseUrl, { id: namespace, maxJobs, maxJobDuration: 60 })
  const podUrl = new URL(env['POD_DATABASE_URL'] ?? '')
  const doors = [await openDoor(nodeAddress, Number(podUrl.port)), await openDoor(nodeAddress, portOf(world.inputUrl))]
  const [postgres, origin] = doors.map(({ address }) => address)
  podUrl.host = postgres ?? ''
  await kubectl(['create', '-f', '-'], {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  })
  await kubectl(['create', '-n', namespace, '-f', '-'], {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: CLAIM },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '64Mi' } } },
  })
  const canaryPort = await findFreePort()
  const [environment] = JSON.parse(env['ENVIRONMENTS'] ?? '[]') as object[]

  return {
    kubectl,
    namespace,
    image,
    databaseUrl,
    engine: {
      entry,
      env: {
        ...env,
        EXECUTOR: 'kubernetes',
        KUBECONFIG: kubeconfig,
        // One job at a time may have half a core; many at once get what the bare Jobs get.
        ENVIRONMENTS: JSON.stringify([
          { ...environment, cpuNumber: 0.5, diskGB: 0.0625, kubernetes: { namespace } },
          {
            ...environment,
            id: `${namespace}${BURST}`,
            cpuNumber: 0.1,
            diskGB: 0.0625,
            kubernetes: { namespace, placeSeconds: 3600 },
          },
        ]),
        POD_CONFIGURATION_CONTAINER: images.configuration,
        POD_PUBLISH_CONTAINER: images.publishing,
        POD_DATABASE_URL: podUrl.href,
        OUTBOUND_ALLOW: origin ?? '',
        RESULTS_CLAIM: CLAIM,
        CANARY_HOST: nodeAddress,
        CANARY_PORT: String(canaryPort),
        SEAL_CANARY: `${nodeAddress}:${canaryPort}`,
      },
    },
    buildTrivialJob(source, isBurst) {
      const job = buildJob(isBurst ? `${namespace}${BURST}` : namespace, source, `http://${origin}/data.csv`)
      const container = job.workflow.spec.metadata.stages[0]?.algorithm.container
      const at = image.lastIndexOf(':')
      if (container) Object.assign(container, { image: image.slice(0, at), tag: image.slice(at + 1), checksum: '' })
      return job
    },
    async close() {
      for (const door of doors) await door.close()
      await world.close()
      await kubectl(['delete', 'namespace', namespace, '--wait=false'])
    },
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}
