import { sleep, toError, type Logger } from '@c2d/runtime'
import type { Executor } from '../executor.ts'
import { createCanary } from './canary.ts'
import { createClusterClient } from './cluster-client.ts'
import { ClusterUnavailableError } from './cluster-error.ts'
import { createKubernetesExecutor } from './create-kubernetes-executor.ts'
import { isPassingRefusal } from './passing-refusal.ts'
import type { ClusterConfig } from './settings.ts'

const ASK_AGAIN_MS = 2_000
/** How long rights that are missing may be some that the API server has not read yet, in milliseconds. */
const RIGHTS_MS = 30_000

/**
 * The executor of the cluster that the settings name, with the canary its seal gates try. Waits for an API server that
 * does not answer yet, or does not know yet what the engine may do.
 * @throws ClusterError when the cluster refuses the engine: rights or a namespace are missing
 */
export async function openClusterExecutor(config: ClusterConfig, log: Logger): Promise<Executor> {
  const canary = await createCanary(config.canary)
  const client = createClusterClient(config.kubeconfig)
  const refusedFromMs = performance.now() + RIGHTS_MS
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
      const mayPass = isPassingRefusal(toError(thrown).message) && performance.now() < refusedFromMs
      if (!(thrown instanceof ClusterUnavailableError) && !mayPass) {
        client.close()
        await canary.close()
        throw thrown
      }
      log.warn({ err: toError(thrown) }, 'waiting for the cluster')
      await sleep(ASK_AGAIN_MS)
    }
  }
}
