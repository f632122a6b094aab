import { buildClaimName } from './names.ts'
import type { NamespaceRoom } from './namespace-room.ts'

/** How long pods wait for their volume to be made. Where it takes longer, or its class waits for them, they go ahead. */
const VOLUME_MS = 2_000

/**
 * Returns when the claim of a job has its volume, or after two seconds. A scheduler that meets a pod in the moment in which
 * its claim is bound may miss that: it then looks at the pod again only after five minutes. A class that makes a volume for
 * its first pod (`WaitForFirstConsumer`) is waited for until it shows as one.
 */
export async function awaitVolume(
  { claims, lateClasses }: Pick<NamespaceRoom, 'claims' | 'lateClasses'>,
  jobId: string,
  nextMove: (jobId: string, timeoutMs: number) => Promise<void>,
): Promise<void> {
  const giveUpAtMs = Date.now() + VOLUME_MS
  for (;;) {
    const claim = claims.get(buildClaimName(jobId))
    const leftMs = giveUpAtMs - Date.now()
    if (!claim || claim.phase !== 'Pending' || lateClasses.has(claim.storageClass) || leftMs <= 0) return
    await nextMove(jobId, leftMs)
  }
}
