import { Readable } from 'node:stream'
import { AppError } from '@c2d/runtime'
import { discardBody } from './discard-body.ts'
import { chooseFilename } from './filename.ts'
import type { OpenedSource, SourceOptions } from './source.ts'
import { createWholeBody } from './whole-body.ts'

/** One question to an origin, before the client's range is added. */
export interface OriginQuestion {
  url: URL
  method: 'GET' | 'POST'
  /** Of the file object. */
  headers?: Readonly<Record<string, string>> | null | undefined
  /** A JSON document. */
  body?: string | undefined
  /** What the file is called where the origin gives no name of its own. */
  fallbackName: string
  /** A text no offered name may hold, in any casing: the identifier of a hidden file. */
  hidden?: string | undefined
}

/**
 * Asks an origin once and gives back what it answers: status, range and ETag as they are, the body decoded and whole.
 * The file object's own headers win over the client's (provider-http-api §7.5).
 * @throws AppError `FilesUnavailable` when it cannot be reached, or answers a range of a compressed form
 */
export async function askOrigin(question: OriginQuestion, options: SourceOptions): Promise<OpenedSource> {
  const { url, headers } = prepareRequest(question, options)
  const response = await answerOf(url, { method: question.method, headers, body: question.body }, options)
  const encoding = response.headers.get('content-encoding')?.trim().toLowerCase() ?? ''
  const isDecoded = encoding !== '' && encoding !== 'identity'
  const contentRange = response.headers.get('content-range')
  if (isDecoded && response.status === 206) {
    await discardBody(response.body)
    // Its positions count compressed bytes: decoded, they are no part of the file anybody asked for.
    throw new AppError('FilesUnavailable', { detail: 'The origin answered with a range of a compressed form.' })
  }
  const contentLength = isDecoded ? null : response.headers.get('content-length')
  const given = chooseFilename(response.headers.get('content-disposition'), question.fallbackName)
  const isHidden = question.hidden !== undefined && given.toLowerCase().includes(question.hidden.toLowerCase())
  return {
    status: response.status,
    contentType: response.headers.get('content-type'),
    contentLength,
    contentRange,
    etag: response.headers.get('etag'),
    lastModified: response.headers.get('last-modified'),
    filename: isHidden ? chooseFilename(null, question.fallbackName) : given,
    body: response.body
      ? createWholeBody(response.body, isDecoded ? null : bytesPromised(contentLength, contentRange))
      : Readable.from([]),
  }
}

function prepareRequest(
  question: OriginQuestion,
  options: SourceOptions,
): { url: string; headers: Record<string, string> } {
  const headers = loweredHeaders(question.headers ?? {})
  if (options.range !== undefined && headers['range'] === undefined) {
    headers['range'] = options.range
    if (options.ifRange !== undefined) headers['if-range'] ??= options.ifRange
  }
  // With a range fetch asks for the bytes as they are; a publisher's own wish would add a compressed form to that.
  if (headers['range'] !== undefined) delete headers['accept-encoding']
  if (question.body !== undefined) headers['content-type'] ??= 'application/json'
  const url = new URL(question.url)
  if (url.username || url.password) {
    headers['authorization'] ??= `Basic ${Buffer.from(credentialsOf(url)).toString('base64')}`
    url.username = ''
    url.password = '' // clients refuse addresses that carry them
  }
  return { url: url.href, headers }
}

function credentialsOf(url: URL): string {
  try {
    return `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  } catch {
    return `${url.username}:${url.password}` // a lone percent sign stands for itself
  }
}

/** Whether a file object asks for a part of its origin's file by itself. */
export function hasOwnRange(headers: Readonly<Record<string, string>> | null | undefined): boolean {
  return Object.keys(headers ?? {}).some((name) => name.toLowerCase() === 'range')
}

function loweredHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(new Headers(headers))
  } catch (cause) {
    throw new AppError('FilesUnavailable', { detail: 'The file object has a header that cannot be sent.', cause })
  }
}

async function answerOf(
  url: string,
  request: { method: string; headers: Record<string, string>; body: string | undefined },
  options: SourceOptions,
) {
  const { body, ...rest } = request
  try {
    return await options.fetch(url, {
      ...rest,
      ...(body === undefined ? {} : { body }),
      ...(options.signal ? { signal: options.signal } : {}),
    })
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('FilesUnavailable', { detail: 'The address does not answer.', cause })
  }
}

function bytesPromised(contentLength: string | null, contentRange: string | null): number | null {
  if (contentLength !== null && /^\d+$/.test(contentLength)) return Number(contentLength)
  const range = /^bytes (\d+)-(\d+)\//.exec(contentRange ?? '')
  return range ? Number(range[2]) - Number(range[1]) + 1 : null
}
