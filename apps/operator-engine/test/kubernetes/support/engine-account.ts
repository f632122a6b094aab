import { writeFile } from 'node:fs/promises'
import { KubeConfig } from '@kubernetes/client-node'
import type { ClusterClient } from '../../../src/executor/kubernetes/cluster-client.ts'

/** What the engine may do in a namespace, verb by verb: the table of `src/executor/kubernetes/README.md`. */
const RULES = [
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get', 'list', 'watch', 'create', 'delete'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'delete'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list', 'create'] },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'] },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['get', 'create', 'patch'] },
]
const NAME = 'c2d-engine'

/**
 * Makes the service account an engine runs as, and a kubeconfig for it.
 * @param options.kubeconfig of the tests; its cluster is the one
 * @param options.file where the account's own kubeconfig is written
 */
export async function createEngineAccount(
  options: { namespace: string; kubeconfig: string; file: string },
  client: ClusterClient,
): Promise<void> {
  const { file, kubeconfig, namespace } = options
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
  await client.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: NAME } })
  await client.create(`${rbac}/roles`, { metadata: { name: NAME }, rules: RULES })
  await client.create(`${rbac}/rolebindings`, {
    metadata: { name: NAME },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: NAME },
    subjects: [{ kind: 'ServiceAccount', name: NAME, namespace }],
  })
  const answer = (await client.create(`/api/v1/namespaces/${namespace}/serviceaccounts/${NAME}/token`, {
    spec: { expirationSeconds: 7200 },
  })) as { status: { token: string } }
  const tests = new KubeConfig()
  tests.loadFromFile(kubeconfig)
  const cluster = tests.getCurrentCluster()
  if (!cluster) throw new Error('the kubeconfig of the tests names no current cluster')
  const account = new KubeConfig()
  account.loadFromClusterAndUser(cluster, { name: NAME, token: answer.status.token })
  await writeFile(file, account.exportConfig(), { mode: 0o600 })
}
