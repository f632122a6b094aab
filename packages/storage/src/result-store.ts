import type { Readable } from 'node:stream'

/** A stored object: the address kept in its row, its size and hash. */
export interface StoredObject {
  url: string
  sizeBytes: number
  sha256: string
}

/** An inclusive byte range. */
export interface ByteRange {
  start: number
  end: number
}

/** Where results go and come back from; one implementation a backend. */
export interface ResultStore {
  /**
   * Stores one file of a job, whole or not at all.
   * @param path relative path within the job's results, with `/`
   */
  put(jobId: string, path: string, source: Readable): Promise<StoredObject>
  /** Size of a stored object in bytes. @throws AppError `NotFound` */
  size(url: string): Promise<number>
  /** Opens a stored object, or a range of it. @throws AppError `NotFound` */
  open(url: string, range?: ByteRange): Promise<Readable>
  /** Deletes everything of a job; safe to repeat. */
  remove(jobId: string): Promise<void>
}
