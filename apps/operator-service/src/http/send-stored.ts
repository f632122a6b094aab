import { extname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { StoredResult } from '@c2d/contracts'
import { toError, type Logger } from '@c2d/runtime'
import type { ResultReader } from '@c2d/storage'
import type { Request, Response } from 'express'
import { parseByteRange } from '../domain/byte-range.ts'
import { buildContentDisposition } from '../domain/content-disposition.ts'

const EXPOSED = 'Content-Disposition, Content-Length, Content-Range, Accept-Ranges, ETag'

/**
 * Answers with a stored file, whole or the range that is asked for (RFC 9110 §13, §14).
 * @param result what the row says of the file; its hash, where it has one, is the entity tag
 * @throws AppError `NotFound`, `RangeNotSatisfiable`
 */
export async function sendStored(
  request: Request,
  response: Response,
  result: StoredResult,
  deps: { results: ResultReader; log: Logger },
): Promise<void> {
  const { sizeBytes } = await deps.results.stat(result.url)
  const etag = result.sha256 === undefined ? undefined : `"${result.sha256}"`
  response.setHeader('Accept-Ranges', 'bytes')
  response.setHeader('Access-Control-Expose-Headers', EXPOSED)
  response.setHeader('Cache-Control', 'private, no-cache')
  if (etag !== undefined) response.setHeader('ETag', etag)
  if (etag !== undefined && isKnown(request.get('if-none-match'), etag)) {
    response.status(304).end()
    return
  }

  response.setHeader('Content-Range', `bytes */${sizeBytes}`) // stays if the range turns out to lie outside
  const range = parseByteRange(wantedRange(request, etag), sizeBytes)
  if (range) response.setHeader('Content-Range', `bytes ${range.start}-${range.end}/${sizeBytes}`)
  else response.removeHeader('Content-Range')
  response.status(range ? 206 : 200)
  response.setHeader('Content-Length', range ? range.end - range.start + 1 : sizeBytes)
  response.setHeader('Content-Disposition', buildContentDisposition(result.filename))
  response.setHeader('X-Content-Type-Options', 'nosniff') // the algorithm chose name and bytes
  response.type(extname(result.filename) || 'bin')
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const source = await deps.results.open(result.url, range ?? undefined)
  try {
    await pipeline(source, response)
  } catch (thrown) {
    // Half a file is on its way: the connection is cut by now, and there is nothing left to answer.
    deps.log.info({ err: toError(thrown) }, 'a result was not read to its end')
  }
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
