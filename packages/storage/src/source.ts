import type { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'

/** The guarded `fetch` a source is handed; any client of this shape will do. */
export type SourceFetch = (
  url: string,
  init?: { method?: string; headers?: Record<string, string>; body?: string; signal?: AbortSignal },
) => Promise<{ status: number; headers: { get(name: string): string | null }; body: ReadableStream | null }>

export interface SourceOptions {
  fetch: SourceFetch
  /** A client's `Range` header; ignored where the file object has one of its own. */
  range?: string | undefined
  /** The consumer's parameters for this file (provider-http-api §7.5). */
  userdata?: unknown
  signal?: AbortSignal
}

/** A file, opened: its bytes as a stream, and what its origin said of it. */
export interface OpenedSource {
  status: number
  contentType: string | null
  contentLength: string | null
  contentRange: string | null
  etag: string | null
  /** The name the origin gives it, without any folder, query or control character; never empty. */
  filename: string
  body: Readable
}
