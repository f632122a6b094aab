import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from '@c2d/dev-servers'
import { openDoor } from '@c2d/testing'
import { z } from 'zod'
import { openIpfsNode } from '../../../../../packages/storage/test/integration/support/ipfs-node.ts'
import { openBucket } from '../../../../../packages/storage/test/integration/support/s3-server.ts'
import type { ServiceSettings } from '../../../src/stack/service.ts'
import { startStack } from '../../../src/stack/start-stack.ts'
import { findStackPorts } from '../../stories/find-stack-ports.ts'
import { createStoryWorld, type StoryWorld } from '../../stories/story-world.ts'
import type { SystemImages } from './images.ts'
import { createContainers } from './in-container.ts'
import { createJobNamespace, type JobNamespace } from './job-namespace.ts'
import { NODE_ADDRESS } from './kubectl.ts'

/** Where results are kept. */
export type Store = 's3' | 'ipfs'

/** The system with its services in containers and its jobs on the cluster. */
export interface ClusterStack extends StoryWorld {
  readonly namespace: JobNamespace
}

/** What a pod of these tests may take: the cluster is small, and others use it. */
const JOB_SIZE = { cpuNumber: 0.2, ramGB: 0.25, diskGB: 0.0625 }
/** Patience on a machine that does much else. */
const PATIENCE = { placeSeconds: 300, sealSeconds: 180 }
const environmentsSchema = z.array(z.looseObject({ id: z.string() }))

/** Starts it. Everything that was opened is closed by `close`, or when it does not come up. */
export async function createClusterStack(store: Store, images: SystemImages): Promise<ClusterStack> {
  const closers: (() => Promise<void>)[] = []
  const opened = async <T>(opening: Promise<T>, close: (thing: T) => Promise<void>): Promise<T> => {
    const thing = await opening
    closers.push(() => close(thing))
    return thing
  }
  const closeAll = async (): Promise<void> => {
    for (let next = closers.pop(); next; next = closers.pop()) await next()
  }
  try {
    const ports = await findStackPorts()
    const namespace = await opened(createJobNamespace(store), (made) => made.remove())
    const openPort = async (port: number) =>
      (await opened(openDoor(NODE_ADDRESS, port), (door) => door.close())).address
    const postgres = await openPort(ports['postgres-port'])
    const results = store === 's3' ? await openBucketFor(openPort, opened) : await openNodeFor(openPort, opened)
    const kubeconfig = await opened(writeKubeconfig(namespace.kubeconfig), ({ folder }) =>
      rm(folder, { recursive: true }),
    )
    const canaryPort = await findFreePort()
    const containers = await opened(createContainers(), (made) => made.remove())

    const adaptService = (settings: ServiceSettings): ServiceSettings => {
      const image = images.services[settings.name]
      if (image === undefined) throw new Error(`there is no image of ${settings.name}`)
      const { RESULTS_FOLDER: _folder, PATH: _path, ...env } = settings.env
      if (settings.name === 'provider') {
        return containers.adapt({ ...settings, env }, image, [env['ADDRESS_FILE'] ?? ''])
      }
      if (settings.name === 'operator-service') {
        return containers.adapt({ ...settings, env: { ...env, ...results } }, image, [])
      }
      const engine = {
        ...env,
        ...results,
        EXECUTOR: 'kubernetes',
        KUBECONFIG: kubeconfig.path,
        POD_CONFIGURATION_CONTAINER: images.pods['pod-configuration'],
        POD_PUBLISH_CONTAINER: images.pods['pod-publishing'],
        POD_DATABASE_URL: withHost(env['POD_DATABASE_URL'] ?? '', postgres),
        CANARY_HOST: NODE_ADDRESS,
        CANARY_PORT: String(canaryPort),
        SEAL_CANARY: `${NODE_ADDRESS}:${canaryPort}`,
        ENVIRONMENTS: placeEnvironments(env['ENVIRONMENTS'] ?? '', namespace.name),
      }
      return containers.adapt({ ...settings, env: engine }, image, [kubeconfig.path])
    }
    const world = await createStoryWorld(
      (options) =>
        startStack({ ...options, ports, host: NODE_ADDRESS, path: process.env['PATH'] ?? '' }, { adaptService }),
      images.algorithm,
    )
    closers.push(() => world.close())
    return { ...world, namespace, close: closeAll }
  } catch (error) {
    await closeAll()
    throw error
  }
}

type OpenPort = (port: number) => Promise<string>
type Opened = <T>(opening: Promise<T>, close: (thing: T) => Promise<void>) => Promise<T>

/** A bucket of the S3 server that the tests know; engine, pods and operator-service reach it at the same address. */
async function openBucketFor(openPort: OpenPort, opened: Opened): Promise<Record<string, string>> {
  const { target } = await opened(openBucket(), (bucket) => bucket.close())
  return {
    AWS_BUCKET_OUTPUT: target.bucket,
    AWS_REGION: target.region,
    AWS_ACCESS_KEY_ID: target.credentials?.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: target.credentials?.secretAccessKey.reveal() ?? '',
    S3_ENDPOINT: `http://${await openPort(Number(new URL(target.endpoint ?? '').port))}`,
    S3_PREFIX: target.prefix,
  }
}

async function openNodeFor(openPort: OpenPort, opened: Opened): Promise<Record<string, string>> {
  const { apiUrl } = await opened(openIpfsNode(), (node) => node.close())
  return { IPFS_OUTPUT: `http://${await openPort(Number(new URL(apiUrl).port))}` }
}

/** The container's user must read it; the folder around it lets nobody else on this machine in. */
async function writeKubeconfig(text: string): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-engine-account-'))
  const path = join(folder, 'kubeconfig')
  await writeFile(path, text)
  await chmod(path, 0o644)
  return { folder, path }
}

function placeEnvironments(json: string, namespace: string): string {
  const environments = environmentsSchema.parse(JSON.parse(json))
  return JSON.stringify(environments.map((each) => ({ ...each, ...JOB_SIZE, kubernetes: { namespace, ...PATIENCE } })))
}

function withHost(address: string, host: string): string {
  const url = new URL(address)
  url.host = host
  return url.href
}
