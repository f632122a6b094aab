import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'

/** What an origin answered to one question, before anybody judged it. */
export interface OriginAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** Undecoded; must be read to its end or destroyed. */
  body: Readable
}

/** One file at the place it comes from. */
export interface FileOrigin {
  /** What it is called where its origin gives no name; null for nothing. */
  ownName: string | null
  /** Connections the file may have at most; absent: as many as help. */
  maxLanes?: number
  /**
   * Asks for the file, or by `range` for some of it.
   * @throws AppError when there is no answer
   */
  ask(headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<OriginAnswer>
  /** What a refusal means; reads the body to its end. */
  explain(answer: OriginAnswer): Promise<Refusal>
}

/** Why an origin gives no file. */
export interface Refusal {
  /** For the consumer: no address in it. */
  message: string
  /** Whether asking again may help. */
  isPassing: boolean
}

/** A try that failed, and may be made again. */
export class PassingFailure extends Error {
  override name = 'PassingFailure'
  /** How long the origin asks to be left alone, in milliseconds; null where it says nothing. */
  readonly waitMs: number | null

  constructor(message: string, options: { waitMs?: number | null; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.waitMs = options.waitMs ?? null
  }
}

/** A failure that asking again does not mend; the sentence goes to the consumer. */
export class LastingFailure extends Error {
  override name = 'LastingFailure'
}
