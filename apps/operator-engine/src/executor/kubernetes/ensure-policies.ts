import { toError, type Logger } from '@c2d/runtime'
import { buildPolicies } from './build-policies.ts'
import type { ClusterClient } from './cluster-client.ts'
import { isRefusedWith } from './cluster-error.ts'
import { makeOnce } from './make-object.ts'
import type { NetworkPolicy } from './manifest.ts'
import { buildPath } from './paths.ts'

/** Makes the two policies of a namespace, or brings them up to date; says so where somebody else keeps them. */
export async function ensurePolicies(namespace: string, deps: { client: ClusterClient; log: Logger }): Promise<void> {
  const { client, log } = deps
  for (const policy of buildPolicies(namespace)) {
    try {
      if (await makeOnce('networkpolicies', policy, client)) continue
      await client.patch(buildPath(namespace, 'networkpolicies', policy.metadata?.name), {
        spec: buildWholeSpec(policy),
      })
    } catch (thrown) {
      if (!isRefusedWith(thrown, 403)) throw thrown
      log.warn({ namespace, err: toError(thrown) }, 'the network policies are somebody else’s to keep')
    }
  }
}

/** A merge patch leaves what it does not name, such as a way out that somebody added: so it names all there may be. */
function buildWholeSpec({ spec }: NetworkPolicy): object {
  return {
    ingress: null,
    egress: null,
    ...spec,
    podSelector: { matchLabels: null, ...spec?.podSelector },
  }
}
