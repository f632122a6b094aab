import { extname } from 'node:path'
import { AppError, toError, type Logger } from '@c2d/runtime'
import { pour, type ByteRange, type ResultReader } from '@c2d/storage'
import type { Request, Response } from 'express'
import { parseByteRange } from '../domain/byte-range.ts'
import { buildContentDisposition } from '../domain/content-disposition.ts'
import type { FoundResult } from '../domain/find-result.ts'

const EXPOSED = 'Content-Disposition, Content-Length, Content-Range, Accept-Ranges, ETag'

/** A client that took nothing for so long, in milliseconds, is not coming back for the rest. */
const STALL_MS = 300_000

/**
 * Answers with a stored file, whole or the range that is asked for (RFC 9110 §13, §14). Where it lies in several places
 * the first that answers serves it.
 * @param result its hash, where it has one, is the entity tag
 * @throws AppError `NotFound`, `RangeNotSatisfiable`, `UpstreamUnavailable`
 */
export async function sendStored(
  request: Request,
  response: Response,
  result: FoundResult,
  deps: { results: ResultReader; log: Logger },
): Promise<void> {
  const { results, log } = deps
  const etag = result.sha256 === undefined ? undefined : `"${result.sha256}"`
  response.setHeader('Accept-Ranges', 'bytes')
  response.setHeader('Access-Control-Expose-Headers', EXPOSED)
  response.setHeader('Cache-Control', 'private, no-cache')
  if (etag !== undefined && isKnown(request.get('if-none-match'), etag)) {
    response.setHeader('ETag', etag)
    response.status(304).end()
    return
  }
  const { value, copy } = await firstCopy(result.addresses, async (url) => {
    const { sizeBytes } = await results.stat(url)
    const range = readRange(request, response, { sizeBytes, etag })
    const source = request.method === 'HEAD' ? null : await results.open(url, range ?? undefined)
    return { sizeBytes, range, source }
  })
  const { sizeBytes, range, source } = value
  response.status(range ? 206 : 200)
  if (range) response.setHeader('Content-Range', `bytes ${range.start}-${range.end}/${sizeBytes}`)
  response.setHeader('Content-Length', range ? range.end - range.start + 1 : sizeBytes)
  if (copy > 0) log.warn({ copy }, 'a result was served from a further copy')
  if (etag !== undefined) response.setHeader('ETag', etag)
  response.setHeader('Content-Disposition', buildContentDisposition(result.filename))
  response.setHeader('X-Content-Type-Options', 'nosniff') // the algorithm chose name and bytes
  response.type(extname(result.filename) || 'bin')
  if (!source) {
    response.end()
    return
  }
  response.setTimeout(STALL_MS, () => response.destroy())
  try {
    await pour(source, response)
  } catch (thrown) {
    // Half a file is on its way: the connection is cut by now, and there is nothing left to answer.
    log.info({ err: toError(thrown) }, 'a result was not read to its end')
  }
}

/** The range that is asked for; null is all of the file. One that lies outside is told the size. */
function readRange(
  request: Request,
  response: Response,
  { sizeBytes, etag }: { sizeBytes: number; etag: string | undefined },
): ByteRange | null {
  try {
    return parseByteRange(wantedRange(request, etag), sizeBytes)
  } catch (thrown) {
    response.setHeader('Content-Range', `bytes */${sizeBytes}`)
    throw thrown
  }
}

/** @throws AppError what the first place says when none serves; an outage before all, because it may end */
async function firstCopy<T>(
  addresses: readonly string[],
  read: (url: string) => Promise<T>,
): Promise<{ value: T; copy: number }> {
  const failures: AppError[] = []
  for (const [copy, url] of addresses.entries()) {
    try {
      return { value: await read(url), copy }
    } catch (thrown) {
      if (!(thrown instanceof AppError) || (thrown.code !== 'NotFound' && !thrown.retryable)) throw thrown
      failures.push(thrown)
    }
  }
  throw failures.find((failure) => failure.retryable) ?? failures[0] ?? new AppError('NotFound')
}

/** A range under a condition counts only if the file is still the one the caller has the rest of. */
function wantedRange(request: Request, etag: string | undefined): string | undefined {
  const condition = request.get('if-range')
  return condition === undefined || condition === etag ? request.get('range') : undefined
}

function isKnown(header: string | undefined, etag: string): boolean {
  const tags = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}
