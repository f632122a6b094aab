import type { FileObject } from '@c2d/contracts'
import type { OpenedSource, SourceOptions } from './source.ts'
import { openUrlSource } from './url-source.ts'

/**
 * Opens a file wherever it lies (addresses only, so far); asks its origin once.
 * @throws AppError `FilesUnavailable` when the origin does not answer or may not be reached
 */
export function openSource(file: FileObject, options: SourceOptions): Promise<OpenedSource> {
  return openUrlSource(file, options)
}
