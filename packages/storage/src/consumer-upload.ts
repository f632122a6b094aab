import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { AppError } from '@c2d/runtime'

/** The guarded client that a target is handed: a consumer named the address (DESIGN §4.8). */
export type ConsumerUpload = (
  url: string,
  init: {
    method: string
    headers: Readonly<Record<string, string>>
    body: Readable | Uint8Array | string | null
    signal?: AbortSignal | undefined
  },
) => Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }>

/** Sends one file to a name of the consumer's. @returns size and SHA-256 (hex) of what was read and sent */
export type SendToConsumer = (
  name: string,
  sizeBytes: number | null,
  source: Readable,
) => Promise<{ sizeBytes: number; sha256: string }>

/** What a refusal of the storage means: whether it may pass, and nothing of what it said. */
export function refusedBy(status: number): AppError {
  const mayPass = status >= 500 || status === 408 || status === 425 || status === 429
  return new AppError(mayPass ? 'UpstreamUnavailable' : 'NotAllowed', { detail: `The storage answered ${status}.` })
}
