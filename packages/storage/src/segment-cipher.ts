import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** Plain bytes of every segment but the last (DESIGN §4.7). */
export const SEGMENT_BYTES = 64 * 1024
const TAG_BYTES = 16
const SEALED_BYTES = SEGMENT_BYTES + TAG_BYTES
const KEY_BYTES = 32
const MAX_SEGMENTS = 2 ** 32

/** Where a segment stands in its object; both are part of what its tag vouches for. */
export interface SegmentPosition {
  /** From 0. */
  index: number
  /** Whether the object ends with it. */
  isLast: boolean
}

/** What an object was encrypted with: a key of its own, and words that bind it to where it belongs. */
export interface SegmentKey {
  /** 32 bytes, used for one object and never again: the nonces of two objects are the same. */
  key: Buffer
  /** Says whose object it is; the same for all its segments. */
  context: string
}

/** An object did not decrypt: changed, cut, put together from parts, or of another key. */
export class SegmentError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SegmentError'
  }
}

/** A fresh key for one object. */
export function generateSegmentKey(): Buffer {
  return randomBytes(KEY_BYTES)
}

/**
 * Encrypts one segment with AES-256-GCM. Its nonce is its position: seven zero bytes, the index, and whether it is the
 * last (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, which shows reordering and truncation).
 * @param plain up to 64 KiB; less only in the last segment, nothing only in an object without bytes
 * @returns the sealed bytes, 16 more
 */
export function sealSegment(plain: Buffer, position: SegmentPosition, key: SegmentKey): Buffer {
  return Buffer.concat(sealInPieces(plain, position, key))
}

/** The same, without putting its parts together: they are sent one after the other anyway. */
function sealInPieces(plain: Buffer, position: SegmentPosition, { key, context }: SegmentKey): Buffer[] {
  assertLength(plain.length, position)
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(position), { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(context))
  const sealed = cipher.update(plain)
  cipher.final() // gives no bytes in this mode
  return [sealed, cipher.getAuthTag()]
}

/** Decrypts one segment that stands where it was put. @throws SegmentError for anything else */
export function openSegment(sealed: Buffer, position: SegmentPosition, { key, context }: SegmentKey): Buffer {
  const plainBytes = sealed.length - TAG_BYTES
  assertLength(plainBytes, position)
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(position), { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(context))
  decipher.setAuthTag(sealed.subarray(plainBytes))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, plainBytes)), decipher.final()])
  } catch {
    // Node says no more than that it did not work, which is all there is to know.
    throw new SegmentError(`segment ${position.index} is not what was stored`)
  }
}

/** Bytes of a sealed object. @param plainBytes bytes of the file */
export function sealedSize(plainBytes: number): number {
  return plainBytes + TAG_BYTES * Math.max(1, Math.ceil(plainBytes / SEGMENT_BYTES))
}

/** Bytes of the file in a sealed object of a size. @throws SegmentError when no object has that size */
export function plainSize(sealedBytes: number): number {
  const segments = Math.ceil(sealedBytes / SEALED_BYTES)
  const plainBytes = sealedBytes - segments * TAG_BYTES
  if (segments === 0 || plainBytes < 0 || sealedSize(plainBytes) !== sealedBytes) {
    throw new SegmentError('the size is not that of a stored object')
  }
  return plainBytes
}

/** The part of a sealed object that holds a range of its file, and how to cut the range out of it. */
export interface SealedRange {
  firstIndex: number
  /** Where it begins and how long it is, in the sealed object. */
  offset: number
  length: number
  /** Bytes to leave out before the range, once decrypted, and how many to give. */
  skipBytes: number
  takeBytes: number
  /** Index of the object's last segment, wherever the range ends. */
  lastIndex: number
}

/**
 * Which sealed bytes a range needs.
 * @param range inclusive, within the file; null is all of it
 * @param sealedBytes of the whole object
 */
export function locateRange(range: { start: number; end: number } | null, sealedBytes: number): SealedRange {
  const plainBytes = plainSize(sealedBytes)
  const lastIndex = Math.max(0, Math.ceil(plainBytes / SEGMENT_BYTES) - 1)
  const start = range?.start ?? 0
  const end = range?.end ?? Math.max(0, plainBytes - 1)
  if (range && !(start >= 0 && start <= end && end < plainBytes)) throw new RangeError('the range is not in the file')
  const firstIndex = Math.floor(start / SEGMENT_BYTES)
  const offset = firstIndex * SEALED_BYTES
  const until = Math.min(sealedBytes, (Math.floor(end / SEGMENT_BYTES) + 1) * SEALED_BYTES)
  return {
    firstIndex,
    offset,
    length: until - offset,
    skipBytes: start - firstIndex * SEGMENT_BYTES,
    takeBytes: plainBytes === 0 ? 0 : end - start + 1,
    lastIndex,
  }
}

/**
 * Seals a file as it streams by; holds one segment, because only the end shows which is the last.
 * @param onSealed gets each plain segment but the last back: nobody reads from it any more
 */
export async function* sealStream(
  source: AsyncIterable<Buffer>,
  key: SegmentKey,
  onSealed: (plain: Buffer) => void = () => undefined,
): AsyncGenerator<Buffer> {
  let index = 0
  let held: Buffer | undefined
  for await (const segment of regroup(source, SEGMENT_BYTES)) {
    if (held) {
      const sealed = sealInPieces(held, { index: index++, isLast: false }, key)
      onSealed(held)
      yield* sealed
    }
    held = segment
  }
  yield sealSegment(held ?? Buffer.alloc(0), { index, isLast: true }, key)
}

/**
 * Opens the sealed bytes of a range and gives the range.
 * @param source the bytes that `locateRange` asked for, no more and no less
 * @throws SegmentError before a byte that was not verified
 */
export async function* openStream(
  source: AsyncIterable<Buffer>,
  range: SealedRange,
  key: SegmentKey,
): AsyncGenerator<Buffer> {
  let index = range.firstIndex
  let { skipBytes, takeBytes } = range
  let leftBytes = range.length
  for await (const sealed of regroup(source, SEALED_BYTES)) {
    leftBytes -= sealed.length
    if (leftBytes < 0) break
    const plain = openSegment(sealed, { index, isLast: index === range.lastIndex }, key)
    const wanted = plain.subarray(skipBytes, skipBytes + takeBytes)
    index += 1
    skipBytes = 0
    takeBytes -= wanted.length
    if (wanted.length > 0) yield wanted
  }
  if (leftBytes !== 0 || takeBytes !== 0) throw new SegmentError('the object is longer or shorter than it was stored')
}

/** The same bytes in pieces of one size; the last may be shorter. */
async function* regroup(source: AsyncIterable<Buffer>, sizeBytes: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let heldBytes = 0
  for await (const chunk of source) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    while (heldBytes + rest.length >= sizeBytes) {
      const part = rest.subarray(0, sizeBytes - heldBytes)
      yield heldBytes === 0 ? part : Buffer.concat([...parts, part], sizeBytes)
      rest = rest.subarray(part.length)
      parts = []
      heldBytes = 0
    }
    if (rest.length > 0) {
      parts.push(rest)
      heldBytes += rest.length
    }
  }
  if (heldBytes > 0) yield Buffer.concat(parts, heldBytes)
}

function nonceOf({ index, isLast }: SegmentPosition): Buffer {
  if (!Number.isInteger(index) || index < 0 || index >= MAX_SEGMENTS) throw new SegmentError('there is no such segment')
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(index, 7)
  nonce.writeUInt8(isLast ? 1 : 0, 11)
  return nonce
}

function assertLength(plainBytes: number, { index, isLast }: SegmentPosition): void {
  const isFitting = isLast
    ? plainBytes <= SEGMENT_BYTES && (plainBytes > 0 || (plainBytes === 0 && index === 0))
    : plainBytes === SEGMENT_BYTES
  if (!isFitting) throw new SegmentError(`segment ${index} has not the length of its place`)
}
