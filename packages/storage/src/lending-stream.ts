import { Readable } from 'node:stream'

/** Large enough that the kernel is asked rarely, small enough that 64 transfers hold 12 MiB. */
export const CHUNK_BYTES = 64 * 1024

/**
 * Buffers that were given back, for all streams of the process: those of many short transfers would otherwise outlive
 * two collections each and pile up until the next large one.
 */
const idle: Buffer[] = []
const MAX_IDLE = 256

/** A buffer of `CHUNK_BYTES` with any content. */
export function borrowBuffer(): Buffer {
  // Slow: out of no pool of Node's, so that all of its memory is this buffer's.
  return idle.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
}

/** Takes back a borrowed buffer, or any part of it, once: its bytes may change from now on. */
export function returnBuffer(chunk: Buffer): void {
  if (chunk.buffer.byteLength === CHUNK_BYTES && idle.length < MAX_IDLE) idle.push(Buffer.from(chunk.buffer))
}

/**
 * A stream of borrowed buffers: whoever is done with a chunk may give it back with `returnBuffer`. Chunks that are not
 * given back are left to the collector, as any stream's are.
 */
export abstract class LendingStream extends Readable {}
