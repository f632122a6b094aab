import { sleep, toError, type Logger } from '@c2d/runtime'
import type { Executor } from '../executor.ts'
import { createCanary } from './canary.ts'
import { resolveCanary } from './canary-address.ts'
import { createClusterClient } from './cluster-client.ts'
import { ClusterUnavailableError } from './cluster-error.ts'
import { createKubernetesExecutor } from './create-kubernetes-executor.ts'
import { isPassingRefusal } from './passing-refusal.ts'
import type { ClusterConfig, ClusterSettings } from './settings.ts'

const ASK_AGAIN_MS = 2_000
/** How long rights that are missing, or a name that is not known, may be such that nobody has read yet, in milliseconds. */
const PATIENCE_MS = 30_000

/**
 * The executor of the cluster that the settings name, with the canary its seal gates try. Waits for an API server that
 * does not answer yet, or does not know yet what the engine may do.
 * @throws ClusterError when the cluster refuses the engine: rights or a namespace are missing
 * @throws Error of Node when the canary cannot listen, or its name stays unknown
 */
export async function openClusterExecutor(config: ClusterConfig, log: Logger): Promise<Executor> {
  const canary = await createCanary(config.canary)
  const client = createClusterClient(config.kubeconfig)
  const refusedFromMs = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      const settings = await resolveSeal(config.settings)
      const executor = await createKubernetesExecutor(settings, { client, log })
      return {
        ...executor,
        async close() {
          await executor.close()
          await canary.close()
        },
      }
    } catch (thrown) {
      const mayPass = isPassingRefusal(toError(thrown).message) || isUnknownName(thrown)
      if (!(thrown instanceof ClusterUnavailableError) && !(mayPass && performance.now() < refusedFromMs)) {
        client.close()
        await canary.close()
        throw thrown
      }
      log.warn({ err: toError(thrown) }, 'waiting for the cluster')
      await sleep(ASK_AGAIN_MS)
    }
  }
}

async function resolveSeal(settings: ClusterSettings): Promise<ClusterSettings> {
  const { seal } = settings
  return seal ? { ...settings, seal: { ...seal, canary: await resolveCanary(seal.canary) } } : settings
}

/** By its code, as errors of Node need not be of this realm's classes. */
function isUnknownName(thrown: unknown): boolean {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN'
}
