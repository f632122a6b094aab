import type { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { ContractFunction, ResultFile, S3File } from '@c2d/contracts'

/** The guarded `fetch` a source is handed; any client of this shape will do. */
export type SourceFetch = (
  url: string,
  init?: { method?: string; headers?: Record<string, string>; body?: string; signal?: AbortSignal },
) => Promise<{ status: number; headers: { get(name: string): string | null }; body: ReadableStream | Readable | null }>

/**
 * Calls a reading function of a contract: what a `smartcontract` file is.
 * @param args in the order of the ABI's inputs, as the consumer gave them
 * @returns plain values: texts, numbers, bigints, booleans, arrays and objects of them
 */
export type CallContract = (
  chainId: number,
  address: string,
  abi: ContractFunction,
  args: readonly unknown[],
) => Promise<unknown>

/** Signs the GET of an S3 object with the keys of its file object alone. */
export type SignS3Get = (file: S3File) => Promise<{ url: string; headers: Record<string, string> }>

/** Asks whoever keeps results for one; the token of the file object says that it may be read. */
export type OpenResult = (
  file: ResultFile,
  options: { headers: Record<string, string>; signal: AbortSignal | undefined },
) => Promise<{ status: number; headers: { get(name: string): string | null }; body: Readable }>

/** Base addresses of the gateways. The guarded client must be allowed to reach them where they are not public. */
export interface SourceGateways {
  /** CIDs are asked for below its `/ipfs/`. */
  ipfs?: string | undefined
  /** Transactions are asked for right below it. */
  arweave?: string | undefined
}

/** What opening a file needs; what a type needs and is not given makes files of that type fail alone. */
export interface SourceOptions {
  fetch: SourceFetch
  /** A client's `Range` header; ignored where the file object has one of its own. */
  range?: string | undefined
  /** A client's `If-Range` header; goes with its `Range` or not at all. */
  ifRange?: string | undefined
  /** The consumer's parameters for this file (provider-http-api §7.5). */
  userdata?: unknown
  signal?: AbortSignal
  gateways?: SourceGateways | undefined
  callContract?: CallContract | undefined
  /** For results of jobs that became assets. */
  openResult?: OpenResult | undefined
  /** For S3 objects that are not public. */
  signS3Get?: SignS3Get | undefined
}

/** A file, opened: its bytes as a stream, and what its origin said of it. */
export interface OpenedSource {
  /** The origin's own: 200 the file, 206 the range, 416 no such range, anything else no file. */
  status: number
  contentType: string | null
  /** Bytes of `body`; null where the origin did not say, or compressed what we give decoded. */
  contentLength: string | null
  contentRange: string | null
  etag: string | null
  lastModified: string | null
  /** The name the origin gives it, without any folder, query or control character; never empty. */
  filename: string
  /** Decoded bytes; fails with AppError `FilesUnavailable` when they end before the file does. */
  body: Readable
}
