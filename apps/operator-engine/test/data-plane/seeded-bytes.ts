import { createCipheriv, createHash } from 'node:crypto'
import { Readable } from 'node:stream'

const BLOCK_BYTES = 16
const PIECE = Buffer.alloc(256 * 1024)

/**
 * Bytes that look random and follow from a seed alone, so that a file of any size, and any part of it, can be made
 * again without being kept: the key stream of AES in counter mode, whose counter is the position.
 * @param part.start the first byte's position
 * @param part.length bytes
 */
export function openSeeded(seed: string, part: { start: number; length: number }): Readable {
  return Readable.from(pieces(seed, part), { objectMode: false, highWaterMark: 4 * PIECE.length })
}

/** The same, whole in memory: for a small part. */
export function makeSeeded(seed: string, part: { start: number; length: number }): Buffer {
  return Buffer.concat([...pieces(seed, part)])
}

/** SHA-256, hex, of the first bytes that follow from a seed. */
export function hashSeeded(seed: string, length: number): string {
  const hash = createHash('sha256')
  for (const piece of pieces(seed, { start: 0, length })) hash.update(piece)
  return hash.digest('hex')
}

function* pieces(seed: string, { start, length }: { start: number; length: number }): Generator<Buffer> {
  const counter = Buffer.alloc(BLOCK_BYTES)
  counter.writeBigUInt64BE(BigInt(Math.floor(start / BLOCK_BYTES)), BLOCK_BYTES - 8)
  const stream = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), counter)
  stream.update(PIECE.subarray(0, start % BLOCK_BYTES))
  for (let left = length; left > 0; left -= PIECE.length)
    yield stream.update(PIECE.subarray(0, Math.min(left, PIECE.length)))
}
