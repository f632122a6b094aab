import type { ResultFile } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { chooseFilename } from './filename.ts'
import type { OpenedSource, SourceOptions } from './source.ts'

/**
 * A result of a job that became a file of an asset (docs/adr/0012): in the operator's keeping, ranges and all.
 * @throws AppError `FilesUnavailable` where it is not there, `UpstreamUnavailable` where results cannot be read
 */
export async function openResultSource(file: ResultFile, options: SourceOptions): Promise<OpenedSource> {
  if (!options.openResult) throw new AppError('UpstreamUnavailable', { detail: 'Results of jobs cannot be read here.' })
  const headers: Record<string, string> = {}
  if (options.range !== undefined) headers['range'] = options.range
  if (options.range !== undefined && options.ifRange !== undefined) headers['if-range'] = options.ifRange
  const { status, headers: told, body } = await options.openResult(file, { headers, signal: options.signal })
  return {
    status,
    contentType: told.get('content-type'),
    contentLength: told.get('content-length'),
    contentRange: told.get('content-range'),
    etag: told.get('etag'),
    lastModified: told.get('last-modified'),
    filename: chooseFilename(told.get('content-disposition'), 'result'),
    body,
  }
}
