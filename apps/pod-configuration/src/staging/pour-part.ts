import type { Readable } from 'node:stream'
import type { BufferPool } from './buffer-pool.ts'
import { PassingFailure } from './origin.ts'
import type { PartialFile } from './partial-file.ts'
import type { Part } from './parts.ts'
import { readBody } from './read-body.ts'

/** Where bytes go. */
export interface Pour {
  file: PartialFile
  buffers: BufferPool
  idleTimeoutMs: number
  onBytes: (bytes: number) => void
}

/** How much is gathered before it is written: with two of them for each connection, most of the memory of a step. */
export const BATCH_BYTES = 256 * 1024

/**
 * Writes a body into its part of a file, one batch being written while the next arrives. Whatever happens, all that
 * arrived is written when it returns, so that the rest can be asked for.
 * @param options.bodyEnd where in the file the body ends; there it is read to its end, which keeps the connection
 * @param options.more lengthens a part that is full; false ends it there
 * @returns null when the part is full before the body ends, `end` at the end of the body, or why it broke off
 */
export async function pourPart(
  body: Readable,
  part: Part,
  pour: Pour,
  { bodyEnd, more }: { bodyEnd: number; more: () => boolean },
): Promise<PassingFailure | 'end' | null> {
  const batches = createBatches(pour)
  try {
    for await (const chunk of readBody(body, pour.idleTimeoutMs)) {
      for (let offset = 0; offset < chunk.length;) {
        if (part.at >= part.end && !more()) return null
        const bytes = batches.gather(chunk, offset, part.end - part.at)
        part.at += bytes
        offset += bytes
        pour.onBytes(bytes)
        if (batches.isFull()) await batches.flush(part.at)
      }
      if (part.at >= part.end && part.at !== bodyEnd && !more()) return null
    }
    return 'end'
  } catch (failure) {
    if (!(failure instanceof PassingFailure)) throw failure
    return part.at >= Math.min(part.end, bodyEnd) ? 'end' : failure
  } finally {
    await batches.end(part.at)
  }
}

/** Gathers small chunks to large writes. They are copied: a chunk that waits for its write would outlive its time. */
function createBatches({ file, buffers }: Pour) {
  let buffer = buffers.take()
  let filled = 0
  let writing: Promise<Buffer | null> | undefined

  /** @returns the buffer, unless the file keeps it */
  async function write(position: number, full: Buffer, bytes: number): Promise<Buffer | null> {
    return (await file.write(position, full, bytes)) ? full : null
  }

  const batches = {
    isFull: () => filled === buffer.length,
    gather(chunk: Buffer, offset: number, most: number): number {
      const bytes = Math.min(chunk.length - offset, most, buffer.length - filled)
      chunk.copy(buffer, filled, offset, offset + bytes)
      filled += bytes
      return bytes
    },
    /** @param end where in the file the gathered bytes end */
    async flush(end: number): Promise<void> {
      const before = writing
      writing = undefined
      const next = (await before) ?? buffers.take()
      writing = write(end - filled, buffer, filled)
      writing.catch(() => undefined) // told when it is waited for
      buffer = next
      filled = 0
    },
    async end(end: number): Promise<void> {
      const before = await writing
      writing = undefined
      if (before) buffers.give(before)
      const last = filled > 0 ? await write(end - filled, buffer, filled) : buffer
      filled = 0
      if (last) buffers.give(last)
    },
  }
  return batches
}
