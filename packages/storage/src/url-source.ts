import type { UrlFile } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { askOrigin } from './ask-origin.ts'
import type { OpenedSource, SourceOptions } from './source.ts'
import { userdataOrNull, withQuery } from './userdata.ts'

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
  const userdata = method === 'POST' ? userdataOrNull(options.userdata) : null
  return askOrigin(
    {
      url: method === 'GET' ? withQuery(url, options.userdata) : url,
      method,
      headers: file.headers,
      body: userdata ? JSON.stringify(userdata) : undefined,
      fallbackName: url.pathname,
    },
    options,
  )
}
