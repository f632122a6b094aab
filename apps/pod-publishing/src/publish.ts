import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import type { StoredResult } from '@c2d/contracts'
import type { ResultStore } from '@c2d/storage'
import { classifyResult } from './classify.ts'
import type { CollectedFile } from './collect.ts'

/** What was stored, and what could not be: a lost file is said, never just missing. */
export interface PublishOutcome {
  results: StoredResult[]
  failures: { relativePath: string; message: string }[]
}

/**
 * Stores every collected file and describes it as `jobs.outputsURL` holds it, in the same order
 * (pods-behaviour §2.5).
 */
export async function publishFiles(
  jobId: string,
  files: readonly CollectedFile[],
  deps: { store: ResultStore; say: (line: string) => void },
): Promise<PublishOutcome> {
  const outcome: PublishOutcome = { results: [], failures: [] }
  for (const file of files) {
    try {
      // O_NOFOLLOW: a name that was a file when it was listed must not have become a link since.
      const handle = await open(file.path, constants.O_RDONLY | constants.O_NOFOLLOW)
      const stored = await deps.store.put(jobId, file.relativePath, handle.createReadStream())
      outcome.results.push({
        filename: basename(file.relativePath),
        filesize: stored.sizeBytes,
        url: stored.url,
        type: classifyResult(file.relativePath),
        sha256: stored.sha256,
      })
      deps.say(`Stored ${file.relativePath}: ${stored.sizeBytes} bytes, SHA-256 ${stored.sha256}`)
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      outcome.failures.push({ relativePath: file.relativePath, message })
      deps.say(`Could not store ${file.relativePath}: ${message}`)
    }
  }
  return outcome
}
