interface ErrorRow {
  /** HTTP status of an answer that carries this code. */
  readonly status: number
  /** Short, stable title of the problem (RFC 9457 `title`). */
  readonly title: string
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean
  readonly blame: 'caller' | 'publisher' | 'upstream' | 'us'
}

/**
 * THE error table: what each code means on the wire. Domain code throws codes, HTTP renders them,
 * nobody parses messages (provider-http-api §1.3, operator-service-api §3.2).
 */
export const ERROR_CODES = {
  InvalidRequest: { status: 400, title: 'The request is not valid', retryable: false, blame: 'caller' },
  ValidationFailed: { status: 400, title: 'Validation error', retryable: false, blame: 'caller' },
  InvalidSignature: { status: 400, title: 'The signature does not fit', retryable: false, blame: 'caller' },
  StaleNonce: { status: 400, title: 'The nonce was used or is too old', retryable: false, blame: 'caller' },
  AssetNotFound: { status: 400, title: 'The asset cannot be resolved', retryable: true, blame: 'caller' },
  AssetNotConsumable: { status: 400, title: 'The asset may not be used', retryable: false, blame: 'publisher' },
  ServiceNotFound: { status: 400, title: 'The asset has no such service', retryable: false, blame: 'caller' },
  FilesUnavailable: {
    status: 400,
    title: 'The files of the service cannot be had',
    retryable: true,
    blame: 'publisher',
  },
  OrderInvalid: { status: 400, title: 'The order does not pay for this', retryable: false, blame: 'caller' },
  ComputeRefused: { status: 400, title: 'The compute job is refused', retryable: false, blame: 'caller' },
  EnvironmentNotFound: { status: 400, title: 'There is no such environment', retryable: false, blame: 'caller' },
  AgreementInUse: { status: 400, title: 'The agreement runs a job already', retryable: true, blame: 'caller' },
  Unauthorized: { status: 401, title: 'The signer is not known here', retryable: false, blame: 'caller' },
  NotAllowed: { status: 403, title: 'Not allowed', retryable: false, blame: 'caller' },
  NotFound: { status: 404, title: 'Not found', retryable: false, blame: 'caller' },
  MethodNotAllowed: { status: 405, title: 'Method not allowed', retryable: false, blame: 'caller' },
  RangeNotSatisfiable: { status: 416, title: 'The range lies outside the file', retryable: false, blame: 'caller' },
  TooLarge: { status: 413, title: 'The request is too large', retryable: false, blame: 'caller' },
  TooManyRequests: { status: 429, title: 'Too many requests', retryable: true, blame: 'caller' },
  UpstreamUnavailable: {
    status: 503,
    title: 'Something we depend on does not answer',
    retryable: true,
    blame: 'upstream',
  },
  Internal: { status: 500, title: 'Something on our side went wrong', retryable: true, blame: 'us' },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERROR_CODES
