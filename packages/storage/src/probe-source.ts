import { createHash } from 'node:crypto'
import type { FileInfo, FileObject } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { openSource } from './open-source.ts'
import type { SourceOptions } from './source.ts'

export interface ProbeOptions extends SourceOptions {
  /** Whether to hash the content. */
  checksum: boolean
  /** Larger files are not hashed (provider-http-api §7.3). */
  maxChecksumBytes: number
}

/**
 * Asks a file's origin once what it has: the entry of a fileinfo answer. A file that cannot be had is an entry with
 * `valid: false`, not an error (provider-http-api §1.7).
 * @param index position of the file in its service
 */
export async function probeSource(file: FileObject, index: number, options: ProbeOptions): Promise<FileInfo> {
  const invalid: FileInfo = { index, type: file.type, valid: false }
  try {
    const source = await openSource(file, options)
    if (source.status !== 200) {
      source.body.destroy()
      return invalid
    }
    const sha256 = options.checksum ? await hashUpTo(source.body, options.maxChecksumBytes) : null
    source.body.destroy()
    return {
      index,
      type: file.type,
      valid: true,
      contentType: source.contentType?.split(';')[0]?.trim() ?? '',
      contentLength: source.contentLength ?? '',
      filename: source.filename,
      ...(sha256 ? { checksum: sha256, checksumType: 'sha256' } : {}),
    }
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'FilesUnavailable') return invalid
    throw thrown
  }
}

async function hashUpTo(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string | null> {
  const hash = createHash('sha256')
  let seenBytes = 0
  try {
    for await (const chunk of body) {
      seenBytes += chunk.length
      if (seenBytes > maxBytes) return null
      hash.update(chunk)
    }
  } catch (cause) {
    throw new AppError('FilesUnavailable', { detail: 'The file ended before it was whole.', cause })
  }
  return hash.digest('hex')
}
