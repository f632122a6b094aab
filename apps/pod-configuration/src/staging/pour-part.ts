import type { Readable } from 'node:stream'
import { PassingFailure } from './origin.ts'
import type { PartialFile } from './partial-file.ts'
import type { Part } from './parts.ts'
import { readBody } from './read-body.ts'

/** Where bytes go. */
export interface Pour {
  file: PartialFile
  idleTimeoutMs: number
  onBytes: (bytes: number) => void
}

const BATCH_BYTES = 512 * 1024

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
  { file, idleTimeoutMs, onBytes }: Pour,
  { bodyEnd, more }: { bodyEnd: number; more: () => boolean },
): Promise<PassingFailure | 'end' | null> {
  let batch: Buffer[] = []
  let batchBytes = 0
  let writing = Promise.resolve()

  async function flush(): Promise<void> {
    await writing
    if (batchBytes === 0) return
    writing = file.write(part.at - batchBytes, batch, batchBytes)
    writing.catch(() => undefined) // told when it is waited for
    batch = []
    batchBytes = 0
  }

  /** False when the part is full. */
  function take(chunk: Buffer): boolean {
    for (let rest = chunk; rest.length > 0;) {
      if (part.at >= part.end && !more()) return false
      const bytes = Math.min(rest.length, part.end - part.at)
      batch.push(bytes === rest.length ? rest : rest.subarray(0, bytes))
      batchBytes += bytes
      part.at += bytes
      rest = rest.subarray(bytes)
      onBytes(bytes)
    }
    return part.at < part.end || part.at === bodyEnd || more()
  }

  try {
    for await (const chunk of readBody(body, idleTimeoutMs)) {
      if (!take(chunk)) return null
      if (batchBytes >= BATCH_BYTES) await flush()
    }
    return 'end'
  } catch (failure) {
    if (!(failure instanceof PassingFailure)) throw failure
    return part.at >= Math.min(part.end, bodyEnd) ? 'end' : failure
  } finally {
    await flush()
    await writing
  }
}
