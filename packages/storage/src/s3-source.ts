import type { S3File } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { askOrigin } from './ask-origin.ts'
import type { OpenedSource, SourceOptions } from './source.ts'

/**
 * An object of an S3 bucket, asked for as every other origin is: one GET, ranged, through the handed client. `userdata`
 * has no meaning for it.
 * @throws AppError `UpstreamUnavailable` where nothing signs, `FilesUnavailable` when it cannot be signed or reached
 */
export async function openS3Source(file: S3File, options: SourceOptions): Promise<OpenedSource> {
  if (!options.signS3Get) {
    throw new AppError('UpstreamUnavailable', { detail: 'Objects of S3 cannot be read here.' })
  }
  const { url, headers } = await options.signS3Get(file)
  return askOrigin({ url: new URL(url), method: 'GET', headers, fallbackName: file.objectKey }, options)
}
