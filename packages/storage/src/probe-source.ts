import { createHash } from 'node:crypto'
import type { FileInfo, FileObject } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { hasOwnRange } from './ask-origin.ts'
import { withExtension } from './filename-extension.ts'
import { openSource } from './open-source.ts'
import type { OpenedSource, SourceOptions } from './source.ts'

/** A probe's question: a source's, with what to hash. */
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
 * @throws AppError of `openSource` other than `FilesUnavailable`
 */
export async function probeSource(file: FileObject, index: number, options: ProbeOptions): Promise<FileInfo> {
  const invalid: FileInfo = { index, type: file.type, valid: false }
  try {
    const source = await openSource(file, { ...options, range: undefined, ifRange: undefined })
    try {
      if (!isWholeFile(file, source)) return invalid
      const sha256 = options.checksum ? await hashUpTo(source, checksumLimit(file, options)) : null
      return {
        index,
        type: file.type,
        valid: true,
        ...describeSource(file, source),
        ...(sha256 ? { checksum: sha256, checksumType: 'sha256' } : {}),
      }
    } finally {
      source.body.destroy()
    }
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'FilesUnavailable') return invalid
    throw thrown
  }
}

/** A file object that asks for a range of its own has 206 for its 200: the reference never serves such files (W34). */
function isWholeFile(file: FileObject, source: OpenedSource): boolean {
  const headers = 'headers' in file ? file.headers : null
  return source.status === 200 || (source.status === 206 && hasOwnRange(headers))
}

/**
 * The fields each type has (provider-http-api §1.7, §7.3): Arweave's name is always empty, the length of a contract's
 * result is a number and it has no name. Types without a name of their own answer the one their download offers.
 */
function describeSource(file: FileObject, source: OpenedSource): Partial<FileInfo> {
  const contentType = source.contentType?.split(';')[0]?.trim() ?? ''
  const contentLength = source.contentLength ?? source.contentRange?.split('-').slice(1).join('-') ?? ''
  switch (file.type) {
    case 'smartcontract':
      return { contentType, contentLength: Number(contentLength) }
    case 'arweave':
      return { contentType, contentLength, filename: '' }
    case 'url':
    case 's3':
    case 'result':
      return { contentType, contentLength, filename: source.filename }
    case 'ipfs':
    case 'graphql':
      return { contentType, contentLength, filename: withExtension(source.filename, contentType) }
  }
}

/** A contract's result is in memory already: the limit is for origins. */
function checksumLimit(file: FileObject, options: ProbeOptions): number {
  return file.type === 'smartcontract' ? Infinity : options.maxChecksumBytes
}

async function hashUpTo(source: OpenedSource, maxBytes: number): Promise<string | null> {
  if (Number(source.contentLength) > maxBytes) return null
  const hash = createHash('sha256')
  let seenBytes = 0
  for await (const chunk of source.body as AsyncIterable<Buffer>) {
    seenBytes += chunk.length
    if (seenBytes > maxBytes) return null
    hash.update(chunk)
  }
  return hash.digest('hex')
}
