import { createHash } from 'node:crypto'
import type { RawPath } from './open-inside.ts'

const MAX_NAME_BYTES = 255
const KEPT_BYTES = 200
const MARK_CHARACTERS = 8

/** Characters that change how a name reads, or what a terminal does: controls, line ends, turns of direction. */
const TREACHEROUS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/**
 * The path of a file as text that every store and every client can take. Bytes that are no UTF-8, and characters that
 * would deceive a reader, are written `%XX`; a name that grows too long by that is cut and marked by its hash.
 */
export function printablePath(raw: RawPath): string {
  return raw.map(printableName).join('/')
}

function printableName(raw: Buffer): string {
  const name = decode(raw).replace(TREACHEROUS, escapeText)
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name
  const kept = Buffer.from(name)
    .subarray(0, KEPT_BYTES)
    .toString('utf8')
    .replace(/\ufffd*$/u, '')
  return `${kept}~${markOf([raw])}`
}

/** Gives each path a text of its own: two names may look the same once they are printable. */
export function createPathNamer(): (raw: RawPath) => string {
  const taken = new Set<string>()
  return (raw) => {
    const text = printablePath(raw)
    const name = taken.has(text) ? `${shorten(text)}~${markOf(raw)}` : text
    taken.add(name)
    return name
  }
}

/** Makes room for a mark in a name that has none. */
function shorten(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const isFull = Buffer.byteLength(name) > MAX_NAME_BYTES - MARK_CHARACTERS - 1
  return isFull ? path.slice(0, -MARK_CHARACTERS - 2).replace(/[\ud800-\udbff]$/, '') : path
}

function markOf(raw: RawPath): string {
  const hash = createHash('sha256')
  for (const name of raw) hash.update(name).update('/')
  return hash.digest('hex').slice(0, MARK_CHARACTERS)
}

function decode(raw: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw)
  } catch {
    return decodeByParts(raw)
  }
}

/** Keeps what is text, and writes each byte that is not as `%XX`. */
function decodeByParts(raw: Buffer): string {
  let text = ''
  for (let at = 0; at < raw.length;) {
    const length = [1, 2, 3, 4].find((size) => isText(raw.subarray(at, at + size)))
    text += length ? raw.subarray(at, at + length).toString('utf8') : escapeByte(raw[at] ?? 0)
    at += length ?? 1
  }
  return text
}

function isText(bytes: Buffer): boolean {
  return !bytes.toString('utf8').includes('\ufffd')
}

function escapeText(text: string): string {
  return [...Buffer.from(text)].map(escapeByte).join('')
}

function escapeByte(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
