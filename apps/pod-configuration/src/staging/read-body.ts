import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { LastingFailure, PassingFailure } from './origin.ts'

/** Fewer bytes than this in the time of silence that is allowed are no progress either. */
const LEAST_BYTES = 1024

/**
 * The bytes of a body, watched: an origin that stalls, or trickles, is cut off. Time that the reader takes does not
 * count. Leaving the loop early lets go of the connection.
 * @param idleTimeoutMs within which at least a kibibyte must arrive
 * @throws PassingFailure when it stalls, or breaks off
 */
export async function* readBody(body: Readable, idleTimeoutMs: number): AsyncGenerator<Buffer> {
  let seenBytes = 0
  let isWaiting = true
  const watch = setInterval(() => {
    if (isWaiting && seenBytes < LEAST_BYTES) body.destroy(new Error('stalled'))
    seenBytes = 0
  }, idleTimeoutMs)
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      seenBytes += chunk.length
      isWaiting = false
      yield chunk
      isWaiting = true
    }
  } catch (cause) {
    const isStalled = cause instanceof Error && cause.message === 'stalled'
    throw new PassingFailure(isStalled ? 'the origin stopped sending' : 'the connection broke off', { cause })
  } finally {
    clearInterval(watch)
    body.destroy()
  }
}

/**
 * A body without its compression, for origins that compress although they were asked not to.
 * @throws LastingFailure for a compression that nobody offered to understand
 */
export function decodeBody(body: Readable, encoding: string | null): Readable {
  if (encoding === null) return body
  const decoder = decoderOf(encoding)
  if (!decoder) {
    body.destroy()
    throw new LastingFailure('the origin compressed the file in a way that is not known')
  }
  body.on('error', (error) => decoder.destroy(error))
  decoder.on('close', () => body.destroy())
  return body.pipe(decoder)
}

function decoderOf(encoding: string) {
  if (encoding === 'gzip' || encoding === 'x-gzip') return createGunzip()
  if (encoding === 'deflate') return createInflate()
  if (encoding === 'br') return createBrotliDecompress()
  return null
}
