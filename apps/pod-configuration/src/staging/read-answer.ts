import type { IncomingHttpHeaders } from 'node:http'

/** A part of a file, as one asks for it: the last byte is not included; null is the end, wherever that is. */
export interface AskedRange {
  from: number
  to: number | null
}

/** What a whole file is told to be. */
export interface WholeFile {
  /** Null where the origin does not say, or sends a compressed form. */
  sizeBytes: number | null
  /** What `If-Range` names this very version of the file by; null where its parts cannot be told from another's. */
  version: string | null
  /** Compression that must be undone; null for none. */
  encoding: string | null
}

/** What an answer to a question for a part turned out to be. */
export type PartReading =
  | { kind: 'part'; toByte: number; sizeBytes: number | null }
  /** The file is another one than before: nothing that was fetched may be mixed with it. */
  | { kind: 'changed' }
  /** The origin gives no parts: it sends the whole, or a part nobody asked for. */
  | { kind: 'ignored' }
  | { kind: 'refused' }

/**
 * Reads the answer to a question for the whole file. A file object that asks for a range by itself makes its origin
 * answer 206: that range is then the file, and it has no parts of its own (provider-http-api §7.5).
 * 203 is what a proxy made of the file.
 * @returns null when it is no file
 */
export function readWhole(status: number, headers: IncomingHttpHeaders): WholeFile | null {
  if (status !== 200 && status !== 203 && status !== 206) return null
  const encoding = encodingOf(headers)
  const hasParts = status === 200 && encoding === null && headers['accept-ranges'] !== 'none'
  return {
    sizeBytes: encoding === null ? lengthOf(headers) : null,
    version: hasParts ? versionOf(headers) : null,
    encoding,
  }
}

/**
 * Reads the answer to a question for a part of a known version.
 * @param known size null where it was never told
 */
export function readPart(
  status: number,
  headers: IncomingHttpHeaders,
  asked: AskedRange,
  known: { version: string; sizeBytes: number | null },
): PartReading {
  if (status === 412 || status === 416) return { kind: 'changed' }
  if (status === 200) return isVersion(headers, known.version) ? { kind: 'ignored' } : { kind: 'changed' }
  if (status !== 206) return { kind: 'refused' }
  if (!isVersion(headers, known.version)) return { kind: 'changed' }
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(headers['content-range'] ?? '')
  if (!range || encodingOf(headers) !== null) return { kind: 'ignored' }
  const [from, last] = [Number(range[1]), Number(range[2])]
  const sizeBytes = range[3] === '*' ? null : Number(range[3])
  if (sizeBytes !== null && known.sizeBytes !== null && sizeBytes !== known.sizeBytes) return { kind: 'changed' }
  const length = lengthOf(headers)
  const isAsked =
    from === asked.from && last >= from && (asked.to === null || last < asked.to) && !(last >= (sizeBytes ?? Infinity))
  if (!isAsked || (length !== null && length !== last - from + 1)) return { kind: 'ignored' }
  return { kind: 'part', toByte: last + 1, sizeBytes }
}

/** Headers of a question for a part; without a conditional an origin would mix versions without a word. */
export function rangeHeaders(asked: AskedRange, version: string): Record<string, string> {
  return { range: `bytes=${asked.from}-${asked.to === null ? '' : asked.to - 1}`, 'if-range': version }
}

/** Milliseconds of a `Retry-After`, whether seconds or a date; null where there is none. */
export function retryAfterMs(headers: IncomingHttpHeaders, nowMs: number): number | null {
  const text = headers['retry-after']
  if (text === undefined) return null
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const atMs = text.endsWith(' GMT') ? Date.parse(text) : NaN // other dates are guesses
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs)
}

/** Only validators that change with every byte: strong ETags, and dates that are not of this very second (RFC 9110 §8.8). */
function versionOf(headers: IncomingHttpHeaders): string | null {
  const { etag, 'last-modified': modified, date } = headers
  if (etag !== undefined) return /^"[^"]*"$/.test(etag) ? etag : null
  if (modified === undefined || date === undefined) return null
  return Date.parse(date) - Date.parse(modified) >= 1000 ? modified : null
}

function isVersion(headers: IncomingHttpHeaders, version: string): boolean {
  return version.startsWith('"') ? headers.etag === version : headers['last-modified'] === version
}

function encodingOf(headers: IncomingHttpHeaders): string | null {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  return encoding === '' || encoding === 'identity' ? null : encoding
}

function lengthOf(headers: IncomingHttpHeaders): number | null {
  const text = headers['content-length'] ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : null
}
