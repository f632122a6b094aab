import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KubeConfig, loadAllYaml } from '@kubernetes/client-node'
import { z } from 'zod'
import type { ClusterClient } from '../../../src/executor/kubernetes/cluster-client.ts'

/** What the engine may do in a namespace, as it is shipped. */
const ROLE_FILE = join(import.meta.dirname, '../../../../../deploy/kubernetes/jobs/engine-role.yaml')
const NAME = 'c2d-operator-engine'

const roleSchema = z.object({ kind: z.literal('Role'), rules: z.array(z.unknown()).min(1) })

/** The service account an engine runs as. */
export interface EngineAccount {
  /** Lets it work in another namespace as well. */
  grant(namespace: string): Promise<void>
}

/**
 * Makes the service account an engine runs as, with the rights that the shipped manifest gives it in its namespace and
 * no others, and a kubeconfig for it.
 * @param options.kubeconfig of the tests; its cluster is the one
 * @param options.file where the account's own kubeconfig is written
 */
export async function createEngineAccount(
  options: { namespace: string; kubeconfig: string; file: string },
  client: ClusterClient,
): Promise<EngineAccount> {
  const { file, kubeconfig, namespace: home } = options
  const [role] = loadAllYaml(await readFile(ROLE_FILE, 'utf8')) as unknown[]
  const { rules } = roleSchema.parse(role)
  const account: EngineAccount = {
    async grant(namespace) {
      const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
      await client.create(`${rbac}/roles`, { metadata: { name: NAME }, rules })
      await client.create(`${rbac}/rolebindings`, {
        metadata: { name: NAME },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: NAME },
        subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: home }],
      })
    },
  }
  await client.create(`/api/v1/namespaces/${home}/serviceaccounts`, { metadata: { name: NAME } })
  await account.grant(home)
  const answer = (await client.create(`/api/v1/namespaces/${home}/serviceaccounts/${NAME}/token`, {
    spec: { expirationSeconds: 7200 },
  })) as { status: { token: string } }
  const tests = new KubeConfig()
  tests.loadFromFile(kubeconfig)
  const cluster = tests.getCurrentCluster()
  if (!cluster) throw new Error('the kubeconfig of the tests names no current cluster')
  const config = new KubeConfig()
  config.loadFromClusterAndUser(cluster, { name: NAME, token: answer.status.token })
  await writeFile(file, config.exportConfig(), { mode: 0o600 })
  return account
}
