import { randomBytes } from 'node:crypto'
import { silentLogger } from '@c2d/runtime'
import type { Executor } from '../../../src/executor/executor.ts'
import { createClusterClient, type ClusterClient } from '../../../src/executor/kubernetes/cluster-client.ts'
import { isRefusedWith } from '../../../src/executor/kubernetes/cluster-error.ts'
import { createKubernetesExecutor } from '../../../src/executor/kubernetes/create-kubernetes-executor.ts'
import {
  environmentPlacementSchema,
  type ClusterEnvironment,
  type ClusterSettings,
  type EnvironmentPlacement,
} from '../../../src/executor/kubernetes/settings.ts'

const kubeconfig = process.env['C2D_TEST_KUBECONFIG']
if (!kubeconfig) throw new Error('C2D_TEST_KUBECONFIG names no cluster: nothing here runs on whatever KUBECONFIG means')

/** The kubeconfig of the cluster that tests may use. */
export const TEST_KUBECONFIG: string = kubeconfig

const registry = process.env['C2D_TEST_REGISTRY'] ?? 'localhost:5000'

/** Images of the test cluster's registry. */
export const TEST_IMAGE = {
  debian: `${registry}/debian:bookworm-slim`,
  node: `${registry}/node:24-bookworm-slim`,
  python: `${registry}/python:3.11-slim-bookworm`,
}

/** An environment of the tests. */
export function buildEnvironment(
  namespace: string,
  given: Partial<Omit<ClusterEnvironment, keyof EnvironmentPlacement>> & Partial<EnvironmentPlacement> = {},
): ClusterEnvironment {
  return {
    ...environmentPlacementSchema.parse({}),
    id: namespace,
    cpuNumber: 0.1,
    gpuNumber: 0,
    workspaceBytes: 64 * 1024 ** 2,
    ...given,
    namespace: given.namespace ?? namespace,
  }
}

/** A namespace of its own, for as long as a test file runs. */
export interface TestNamespace {
  readonly name: string
  readonly client: ClusterClient
  /** Another executor over the namespace each time. @param given what differs from the settings of most tests */
  makeExecutor(given?: Partial<ClusterSettings>, environment?: Partial<ClusterEnvironment>): Promise<Executor>
  remove(): Promise<void>
}

/** Makes a namespace that holds pods to the `restricted` profile. @param purpose a word of its name */
export async function createTestNamespace(
  purpose: string,
  profile: 'restricted' | 'baseline' = 'restricted',
): Promise<TestNamespace> {
  const client = createClusterClient(TEST_KUBECONFIG)
  const name = `k8s-${purpose}-${randomBytes(3).toString('hex')}`
  await client.create('/api/v1/namespaces', {
    metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': profile } },
  })
  return {
    name,
    client,
    async makeExecutor(given = {}, environment = {}) {
      const executor = await createKubernetesExecutor(
        {
          environments: [buildEnvironment(name, environment)],
          images: { configure: TEST_IMAGE.node, publish: TEST_IMAGE.node },
          resultsClaim: undefined,
          seal: null,
          ...given,
        },
        { client: createClusterClient(TEST_KUBECONFIG), log: silentLogger },
      )
      return {
        ...executor,
        start: (jobId, step, spec, attempt) =>
          executor.start(jobId, step, { image: TEST_IMAGE.debian, ...spec }, attempt),
      }
    },
    async remove() {
      await client.delete(`/api/v1/namespaces/${name}`).catch((error: unknown) => {
        if (!isRefusedWith(error, 404)) throw error
      })
      client.close()
    },
  }
}
