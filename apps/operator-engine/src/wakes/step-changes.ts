import { sleep, toError, type Logger } from '@c2d/runtime'
import type { Executor } from '../executor/executor.ts'

const REFOLLOW_MS = 1_000

/** Calls `onMove` for each job whose steps moved. Follows the executor again when its changes end, or break. */
export async function followSteps(
  executor: Pick<Executor, 'changes'>,
  signal: AbortSignal,
  deps: { onMove: (jobId: string) => void; log: Logger; refollowMs?: number },
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const jobId of executor.changes(signal)) deps.onMove(jobId)
      deps.log.debug({}, 'the executor tells no changes any more')
    } catch (thrown) {
      deps.log.warn({ err: toError(thrown) }, 'the executor cannot tell changes; the tick goes on')
    }
    await sleep(deps.refollowMs ?? REFOLLOW_MS, signal)
  }
}
