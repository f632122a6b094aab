import type { Metrics } from '@c2d/http-kit'
import { toError, type Logger } from '@c2d/runtime'
import type { ProofOfDownload, ProofSink } from './proof-of-download.ts'

/** Takes proofs of downloads and hands them over some time later: no download waits for it, and none fails by it. */
export interface ProofQueue {
  add(proof: ProofOfDownload): void
  /** Resolves when everything taken so far was handed over, or given up. */
  drain(): Promise<void>
}

/**
 * One after the other, because transactions of one account have an order. What cannot be handed over is logged and
 * counted, and not tried again.
 * @param options.maxWaiting more are dropped: a dead endpoint must not fill the memory
 */
export function createProofQueue(
  options: { maxWaiting: number },
  deps: { sink: ProofSink; metrics: Pick<Metrics, 'counter'>; log: Logger },
): ProofQueue {
  const outcomes = deps.metrics.counter('download_proofs_total', 'Proofs of downloads, by how they ended.', ['outcome'])
  let waiting = 0
  let last: Promise<void> = Promise.resolve()

  async function deliver(proof: ProofOfDownload): Promise<void> {
    try {
      await deps.sink.deliver(proof)
      outcomes.increment({ outcome: 'delivered' })
    } catch (thrown) {
      outcomes.increment({ outcome: 'failed' })
      deps.log.warn({ orderTxId: proof.orderTxId, err: toError(thrown) }, 'a proof of download was not delivered')
    } finally {
      waiting -= 1
    }
  }

  return {
    add(proof) {
      if (waiting >= options.maxWaiting) {
        outcomes.increment({ outcome: 'dropped' })
        return
      }
      waiting += 1
      last = last.then(() => deliver(proof))
    },
    drain: () => last,
  }
}
