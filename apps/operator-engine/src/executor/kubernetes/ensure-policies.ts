import { toError, type Logger } from '@c2d/runtime'
import { buildPolicies } from './build-policies.ts'
import type { ClusterClient } from './cluster-client.ts'
import { isRefusedWith } from './cluster-error.ts'
import { makeObject } from './make-object.ts'
import { buildPath } from './paths.ts'

/** Makes the two policies of a namespace, or brings them up to date; says so where somebody else keeps them. */
export async function ensurePolicies(namespace: string, deps: { client: ClusterClient; log: Logger }): Promise<void> {
  const { client, log } = deps
  for (const policy of buildPolicies(namespace)) {
    try {
      const { isNew } = await makeObject('networkpolicies', policy, (value) => value, client)
      if (!isNew) {
        const path = buildPath(namespace, 'networkpolicies', policy.metadata?.name)
        await client.patch(path, { spec: policy.spec })
      }
    } catch (thrown) {
      if (!isRefusedWith(thrown, 403)) throw thrown
      log.warn({ namespace, err: toError(thrown) }, 'the network policies are somebody else’s to keep')
    }
  }
}
