import { ERROR_CODES, type ErrorCode } from '@c2d/contracts'

export interface AppErrorOptions {
  /** One sentence for the caller: what is wrong and what to do. Never a secret, a signature or a decrypted address. */
  detail?: string
  /** What an Ocean surface puts in `error`, where the reference answers something other than the detail. */
  legacy?: string | Record<string, string>
  /** Per-field messages of a failed validation. */
  fields?: Record<string, string | string[]>
  cause?: unknown
}

/**
 * The one error class: a code of the error table, and what to tell the caller. Adapters translate foreign failures
 * into it once, at the edge; HTTP renders it.
 */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly detail: string
  readonly legacy: string | Record<string, string> | undefined
  readonly fields: Record<string, string | string[]> | undefined

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    const detail = options.detail ?? ERROR_CODES[code].title
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.detail = detail
    this.legacy = options.legacy
    this.fields = options.fields
  }

  /** HTTP status of the answer. */
  get status(): number {
    return ERROR_CODES[this.code].status
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable
  }
}

/** Coerces whatever was thrown to an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
