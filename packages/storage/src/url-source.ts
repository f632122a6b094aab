import { Readable } from 'node:stream'
import type { UrlFile } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { chooseFilename } from './filename.ts'
import type { OpenedSource, SourceOptions } from './source.ts'

/**
 * A file behind an HTTP address: GET turns `userdata` into query parameters, POST sends it as JSON
 * (provider-http-api §7.2, §7.5).
 * @throws AppError `FilesUnavailable` for other methods, or when the origin cannot be reached
 */
export async function openUrlSource(file: UrlFile, options: SourceOptions): Promise<OpenedSource> {
  const method = (file.method ?? 'GET').toUpperCase()
  if (method !== 'GET' && method !== 'POST') {
    throw new AppError('FilesUnavailable', { detail: `Unsafe method ${method.toLowerCase()}.` })
  }
  if (!URL.canParse(file.url)) {
    throw new AppError('FilesUnavailable', { detail: 'malformed service files, missing required keys.' })
  }
  const url = new URL(file.url)
  const userdata = parseUserdata(options.userdata)
  if (method === 'GET') {
    for (const [name, value] of Object.entries(userdata ?? {})) url.searchParams.set(name, textOf(value))
  }
  const headers: Record<string, string> = { ...(file.headers ?? {}) }
  const hasOwnRange = Object.keys(headers).some((name) => name.toLowerCase() === 'range')
  if (options.range && !hasOwnRange) headers['Range'] = options.range
  const body = method === 'POST' && userdata ? JSON.stringify(userdata) : undefined
  if (body !== undefined) headers['Content-Type'] = 'application/json'

  const response = await options.fetch(url.href, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    ...(options.signal ? { signal: options.signal } : {}),
  })
  return {
    status: response.status,
    contentType: response.headers.get('content-type'),
    contentLength: response.headers.get('content-encoding') ? null : response.headers.get('content-length'),
    contentRange: response.headers.get('content-range'),
    etag: response.headers.get('etag'),
    filename: chooseFilename(response.headers.get('content-disposition'), url.pathname),
    body: response.body ? Readable.fromWeb(response.body) : Readable.from([]),
  }
}

function parseUserdata(userdata: unknown): Record<string, unknown> | null {
  const value = typeof userdata === 'string' ? parseJson(userdata) : userdata
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

/** Undecodable parameters of a plain address are dropped, as the reference does (§7.5). */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
