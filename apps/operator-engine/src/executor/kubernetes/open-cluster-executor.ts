import { sleep, toError, type Logger } from '@c2d/runtime'
import type { Executor } from '../executor.ts'
import { createCanary } from './canary.ts'
import { createClusterClient } from './cluster-client.ts'
import { ClusterUnavailableError } from './cluster-error.ts'
import { createKubernetesExecutor } from './create-kubernetes-executor.ts'
import type { ClusterConfig } from './settings.ts'

const ASK_AGAIN_MS = 2_000

/**
 * The executor of the cluster that the settings name, with the canary its seal gates try. Waits for an API server that
 * does not answer yet.
 * @throws ClusterError when the cluster refuses the engine: rights or a namespace are missing
 */
export async function openClusterExecutor(config: ClusterConfig, log: Logger): Promise<Executor> {
  const canary = await createCanary(config.canary)
  const client = createClusterClient(config.kubeconfig)
  for (;;) {
    try {
      const executor = await createKubernetesExecutor(config.settings, { client, log })
      return {
        ...executor,
        async close() {
          await executor.close()
          await canary.close()
        },
      }
    } catch (thrown) {
      if (!(thrown instanceof ClusterUnavailableError)) {
        client.close()
        await canary.close()
        throw thrown
      }
      log.warn({ err: toError(thrown) }, 'waiting for the cluster')
      await sleep(ASK_AGAIN_MS)
    }
  }
}
