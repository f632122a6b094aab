import { setTimeout as sleep } from 'node:timers/promises'
import type { Readable } from 'node:stream'
import type { StoredResult } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { ConsumerTarget } from '@c2d/storage'
import { wordsOf } from './store-copies.ts'

/** What became of one file on its way to the consumer's own storage. */
export interface Delivered {
  /** What its row says of it. */
  row: Pick<StoredResult, 'delivered' | 'deliveryFailure' | 'sha256'>
  /** Bytes that were sent; null where none were. */
  sizeBytes: number | null
  /** Whether the operator's storage is to keep it as well. */
  isKept: boolean
}

/** Brings files to the consumer, one by one. */
export type DeliverOutput = (file: {
  path: string
  /** Exactly; null where it is not known before. */
  sizeBytes: number | null
  open: () => Promise<Readable>
}) => Promise<Delivered>

/** Where the consumer wants its outputs. */
export interface ConsumerDelivery {
  target: ConsumerTarget
  /** Whether the operator's storage keeps what was delivered. */
  keepsCopy: boolean
}

const PAUSES_MS = [1_000, 5_000, 20_000]
/** So many files in a row that did not get through are the storage's failure: the rest is not tried this time. */
const PATIENCE = 4

/**
 * Delivers outputs and the algorithm's log to the consumer's own storage; logs of ours stay here. What fails for now is
 * tried again, here a few times, and with the whole step when the engine begins it anew. Whatever could not be delivered
 * is kept, whoever asked for no copy: nothing is lost to a storage that is full or a key that has expired.
 * @param delivery null delivers nothing and keeps everything
 * @param deps.say for the job's log: it names files, never addresses
 */
export function createOutputDelivery(
  delivery: ConsumerDelivery | null,
  deps: { say: (line: string) => void; pausesMs?: readonly number[] | undefined },
): DeliverOutput {
  const pausesMs = deps.pausesMs ?? PAUSES_MS
  let failuresInARow = 0
  return async ({ path, sizeBytes, open }) => {
    const kept: Delivered = { row: {}, sizeBytes: null, isKept: true }
    if (!delivery || path.startsWith('adminlogs/')) return kept
    if (failuresInARow >= PATIENCE) {
      return { ...kept, row: { deliveryFailure: 'The storage failed several times, and was not tried again yet.' } }
    }
    try {
      const put = async () => delivery.target.put({ path, sizeBytes, source: await open() })
      const sent = await tryAgain(put, pausesMs)
      failuresInARow = 0
      deps.say(`Delivered ${path}: ${sent.sizeBytes} bytes, SHA-256 ${sent.sha256}`)
      return { row: { delivered: true, sha256: sent.sha256 }, sizeBytes: sent.sizeBytes, isKept: delivery.keepsCopy }
    } catch (thrown) {
      failuresInARow += 1
      const why = wordsOf(thrown)
      deps.say(`Could not deliver ${path}: ${why}`)
      return { ...kept, row: { deliveryFailure: why } }
    }
  }
}

async function tryAgain<T>(attempt: () => Promise<T>, pausesMs: readonly number[]): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt()
    } catch (thrown) {
      const pauseMs = pausesMs[tries]
      if (pauseMs === undefined || !(thrown instanceof AppError) || !thrown.retryable) throw thrown
      await sleep(pauseMs)
    }
  }
}
