import { setTimeout as sleep } from 'node:timers/promises'
import type { Readable } from 'node:stream'
import { AppError, toError } from '@c2d/runtime'
import type { ResultBackend, ResultStores, StoredObject } from '@c2d/storage'
import { FileChangedError } from './volume/read-unchanged.ts'
import { NotInsideError } from './volume/open-inside.ts'

/** What became of one file: where it is, in the order of the configuration, and where it is not. */
export interface StoredCopies {
  copies: StoredObject[]
  /** `isFinal` where the place cannot keep it by that name, whoever tries. */
  failures: { backend: ResultBackend; why: string; isFinal: boolean }[]
}

/** Before the second and the third attempt. */
const PAUSES_MS: readonly number[] = [500, 2_000]

/**
 * Stores one file in every place at once, each read anew from the volume and tried again by itself: one place that is
 * down costs neither the others nor the file.
 * @param file.open gives the file's bytes from the beginning, each time
 */
export async function storeCopies(
  file: { jobId: string; path: string; sizeBytes: number | null; open: () => Promise<Readable> },
  stores: ResultStores,
  pausesMs = PAUSES_MS,
): Promise<StoredCopies> {
  const { jobId, path, sizeBytes } = file
  const outcomes = await Promise.all(
    stores.targets.map(async ({ backend, store }) => {
      try {
        const options = sizeBytes === null ? {} : { sizeBytes }
        return { copy: await tryAgain(async () => store.put(jobId, path, await file.open(), options), pausesMs) }
      } catch (thrown) {
        return { failure: { backend, why: wordsOf(thrown), isFinal: isOfName(thrown) } }
      }
    }),
  )
  const copies = outcomes.flatMap(({ copy }) => copy ?? [])
  const failures = outcomes.flatMap(({ failure }) => failure ?? [])
  // Copies that differ are copies of a file that was still written to: none of them is the file.
  if (new Set(copies.map(({ sha256 }) => sha256)).size > 1) {
    const backend = stores.targets[0]?.backend ?? 'filesystem'
    return { copies: [], failures: [{ backend, why: wordsOf(new FileChangedError()), isFinal: false }] }
  }
  return { copies, failures }
}

async function tryAgain<T>(attempt: () => Promise<T>, pausesMs: readonly number[]): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt()
    } catch (thrown) {
      const pauseMs = pausesMs[tries]
      if (pauseMs === undefined || !isWorthAnother(thrown)) throw thrown
      await sleep(pauseMs)
    }
  }
}

/** A file that may not be read, or that no store can keep, will not be another one in two seconds. */
function isWorthAnother(thrown: unknown): boolean {
  if (thrown instanceof AppError) return thrown.retryable
  return !(thrown instanceof FileChangedError || thrown instanceof NotInsideError)
}

function isOfName(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.code === 'InvalidRequest'
}

/** For the consumer's eyes: no address of ours, no path of this machine. */
export function wordsOf(thrown: unknown): string {
  if (thrown instanceof AppError) return thrown.detail
  if (thrown instanceof FileChangedError || thrown instanceof NotInsideError) return thrown.message
  const { code } = thrown as NodeJS.ErrnoException
  return code === undefined ? toError(thrown).name : `the system says ${code}`
}
