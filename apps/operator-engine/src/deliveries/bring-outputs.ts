import { addAbortSignal, type Readable } from 'node:stream'
import type { StoredResult } from '@c2d/contracts'
import { AppError, toError, type Logger } from '@c2d/runtime'
import { isAddressOfJob, type ConsumerTarget, type ResultStore } from '@c2d/storage'

/** The results of one job on their way to its consumer; the rows change as files arrive. */
export interface OutputsToBring {
  jobId: string
  /** All rows, by their index. */
  rows: StoredResult[]
  /** Whether what has arrived stays here as well. */
  keepsCopy: boolean
}

const FILES_AT_ONCE = 2
/** So many files in a row that did not get through are the storage's failure: the rest waits for the next time. */
const PATIENCE = 4

/** Rows that should be at the consumer's and are not; `hopeless` ones are kept nowhere. */
export function findUndelivered({ jobId, rows }: Pick<OutputsToBring, 'jobId' | 'rows'>) {
  const missing = [...rows.entries()].filter(([, row]) => row.deliveryFailure !== undefined && !row.delivered)
  const isKept = ([, row]: [number, StoredResult]): boolean => addressesOf(row, jobId).length > 0
  return {
    left: missing.filter(isKept).map(([index]) => index),
    hopeless: missing.length - missing.filter(isKept).length,
  }
}

/**
 * Brings what is missing, file by file, each under the name the publish step would have given it: one that a crash
 * brings twice is the same file in the same place.
 * @param deps.onChange told whenever a row says something new, with the copies that it names no longer
 * @param deps.signal ends it between two pieces of a file
 * @returns how many arrived, and why the last of the others did not
 */
export async function bringOutputs(
  outputs: OutputsToBring,
  deps: {
    results: Pick<ResultStore, 'open'>
    target: ConsumerTarget
    onChange: (dropped: readonly string[]) => void
    signal: AbortSignal
    log: Logger
  },
): Promise<{ delivered: number; why: string | null }> {
  const { jobId, rows, keepsCopy } = outputs
  const { results, target, signal, log } = deps
  const waiting = findUndelivered(outputs).left.values()
  let delivered = 0
  let failuresInARow = 0
  let why: string | null = null

  async function bring(index: number, row: StoredResult): Promise<void> {
    const { deliveryFailure: _failed, ...arrived } = { ...row, delivered: true }
    const addresses = addressesOf(row, jobId)
    try {
      const source = addAbortSignal(signal, await openFirst(addresses, results))
      const sent = await target.put({ path: row.path ?? row.filename, sizeBytes: row.filesize, source })
      if (row.sha256 !== undefined && sent.sha256 !== row.sha256) throw notWhatWasStored()
    } catch (thrown) {
      if (signal.aborted) return // cut by us: no failure of the storage
      failuresInARow += 1
      why = thrown instanceof AppError ? thrown.detail : 'It was not sent to its end.'
      rows[index] = { ...row, deliveryFailure: why }
      deps.onChange([])
      log.warn({ jobId, index, err: toError(thrown) }, 'an output could not be delivered yet')
      return
    }
    failuresInARow = 0
    delivered += 1
    const { copies: _copies, ...record } = arrived
    rows[index] = keepsCopy ? arrived : { ...record, url: '' }
    deps.onChange(keepsCopy ? [] : addresses)
  }

  const worker = async (): Promise<void> => {
    for (const index of waiting) {
      if (signal.aborted || failuresInARow >= PATIENCE) return
      const row = rows[index]
      if (row) await bring(index, row)
    }
  }
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, worker))
  return { delivered, why }
}

/** A row is a pod's word: it opens nothing of another job. */
function addressesOf({ url, copies = [] }: StoredResult, jobId: string): string[] {
  return [url, ...copies].filter((address) => isAddressOfJob(address, jobId))
}

async function openFirst(addresses: readonly string[], results: Pick<ResultStore, 'open'>): Promise<Readable> {
  let failure: unknown = notWhatWasStored()
  for (const address of addresses) {
    try {
      return await results.open(address)
    } catch (thrown) {
      failure = thrown // another copy may be there
    }
  }
  throw failure
}

function notWhatWasStored(): AppError {
  return new AppError('UpstreamUnavailable', { detail: 'What is kept of it is not what was stored.' })
}
