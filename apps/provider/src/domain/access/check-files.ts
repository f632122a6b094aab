import { createHash } from 'node:crypto'
import { openSource } from '@c2d/storage'
import type { FileObject } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { FileAccess } from './file-access.ts'

/** Hashes files in their order; null when one cannot be had or is larger than the limit. */
export type CheckFiles = (files: readonly FileObject[]) => Promise<string[] | null>

/**
 * What algorithms are pinned by: the SHA-256 of each file's content (provider-http-api §6.3).
 * @param options.maxBytes larger files are not hashed, and so cannot run
 */
export function createFileChecker(
  options: { maxBytes: number; timeoutMs: number },
  deps: { files: FileAccess },
): CheckFiles {
  return async function checkFiles(files) {
    const hashes: string[] = []
    for (const file of files) {
      const hash = await hashFile(file, options, deps.files)
      if (hash === null) return null
      hashes.push(hash)
    }
    return hashes
  }
}

async function hashFile(
  file: FileObject,
  options: { maxBytes: number; timeoutMs: number },
  access: FileAccess,
): Promise<string | null> {
  try {
    const source = await openSource(file, { ...access, signal: AbortSignal.timeout(options.timeoutMs) })
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of source.body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (source.status !== 200 || bytes > options.maxBytes) return null
      hash.update(chunk)
    }
    return source.status === 200 ? hash.digest('hex') : null
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code !== 'FilesUnavailable') throw thrown
    return null // the origin failed or broke off: the file cannot be had
  }
}
