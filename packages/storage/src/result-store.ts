import type { Readable } from 'node:stream'
import { AppError } from '@c2d/runtime'

/** A stored object: the address kept in its row, and the size and hash of the bytes that were read from the source. */
export interface StoredObject {
  url: string
  sizeBytes: number
  /** SHA-256, hex; of the file itself, also where it is kept encrypted. */
  sha256: string
}

/** An inclusive byte range that lies within the object. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * Where results go and come back from; one implementation a backend. Addresses are `<scheme>:<jobId>/…` and name
 * neither folder, bucket nor host: whose object it is can be seen in every address, and where a backend lives may
 * differ between writer and reader.
 */
export interface ResultStore {
  /**
   * Stores one file of a job, whole or not at all; again under the same path replaces it.
   * @param path relative path within the job's results, with `/`
   * @param options.sizeBytes exactly what the source will give, where that is known: lets a backend choose its parts
   * @throws what the source failed with, AppError `InvalidRequest` for a path it cannot keep, or `UpstreamUnavailable`
   */
  put(jobId: string, path: string, source: Readable, options?: { sizeBytes?: number }): Promise<StoredObject>
  /** What is kept of a stored object. @throws AppError `NotFound`, `UpstreamUnavailable` */
  stat(url: string): Promise<{ sizeBytes: number }>
  /**
   * Opens a stored object, or a range of it. What is kept encrypted is decrypted and verified on the way; the stream
   * fails where it is not what was stored.
   * @throws AppError `NotFound`, `UpstreamUnavailable`
   */
  open(url: string, range?: ByteRange): Promise<Readable>
  /**
   * Deletes everything of a job, what never got a row and unfinished uploads included; safe to repeat.
   * @param urls addresses of the job's rows; those of other jobs or backends are left alone
   * @throws AppError `UpstreamUnavailable` when something may be left
   */
  remove(jobId: string, urls: readonly string[]): Promise<void>
  /** Deletes one stored object; safe to repeat. @throws AppError `NotFound` for no address of it, `UpstreamUnavailable` */
  discard(url: string): Promise<void>
}

/** The reading half, for whoever serves results. */
export type ResultReader = Pick<ResultStore, 'stat' | 'open'>

/** Where the keys of encrypted objects are kept: never in an address, a row or an answer (DESIGN §4.7). */
export interface ObjectKeys {
  /** Called before `put` ends; what is thrown fails it. Absent where nothing is stored. */
  keep?(key: ObjectKey): Promise<void>
  /** Absent where nothing is read. @returns the key, 32 bytes; null where there is none (any more) */
  load?(jobId: string, object: string): Promise<Buffer | null>
}

/** The key of one encrypted object. */
export interface ObjectKey {
  jobId: string
  /** The object's own name in its backend, unique in the job. */
  object: string
  /** 32 bytes; never logged. */
  key: Buffer
}

/** A 404 of every store: what an address names is not there (any more), or is no address of it. */
export function resultNotFound(): AppError {
  return new AppError('NotFound', { detail: 'The result is not in the storage any more.' })
}
