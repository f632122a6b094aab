import { CHUNK_BYTES, LendingStream, borrowBuffer } from '@c2d/storage'
import type { OpenedFile } from './open-inside.ts'

/** A file was not the same from its first byte to its last. */
export class FileChangedError extends Error {
  constructor() {
    super('it changed while it was read')
    this.name = 'FileChangedError'
  }
}

/**
 * The bytes of a file, as long as it was when it was listed and held to its limits, and no byte more: a file that grows
 * for ever does not keep us reading. It is opened with the first byte that is asked for, and closed with the stream.
 * @param opening what opens it; its errors are the stream's
 * @returns a stream that fails with FileChangedError when the file grew, shrank or was written to: what was read by then
 *   is not the file
 */
export function readUnchanged(opening: () => Promise<OpenedFile>, sizeBytes: number): LendingStream {
  return new UnchangedFile(opening, sizeBytes)
}

class UnchangedFile extends LendingStream {
  readonly #open: () => Promise<OpenedFile>
  readonly #sizeBytes: number
  #opened: OpenedFile | undefined
  #at = 0
  #reading: Promise<void> = Promise.resolve()

  constructor(opening: () => Promise<OpenedFile>, sizeBytes: number) {
    super({ highWaterMark: CHUNK_BYTES })
    this.#open = opening
    this.#sizeBytes = sizeBytes
  }

  override _read(): void {
    // As it was thrown: whoever stores tells by its code whether to try again.
    this.#reading = this.#readChunk().catch((thrown: unknown) => void this.destroy(thrown as Error))
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // A file must not be closed under a read: its number may be another file's by then.
    void this.#reading
      .then(() => this.#opened?.close())
      .then(
        () => done(error),
        (thrown: unknown) => done(error ?? (thrown as Error)),
      )
  }

  async #readChunk(): Promise<void> {
    const opened = this.#opened ?? (await this.#begin())
    const leftBytes = this.#sizeBytes - this.#at
    if (leftBytes > 0) {
      const buffer = borrowBuffer()
      const { bytesRead } = await opened.file.read(buffer, 0, Math.min(CHUNK_BYTES, leftBytes), this.#at)
      if (bytesRead === 0) throw new FileChangedError()
      this.#at += bytesRead
      // The last piece waits for the last look: whoever has it has the file.
      if (bytesRead === leftBytes) await assertSame(opened)
      this.push(buffer.subarray(0, bytesRead))
    } else if (this.#sizeBytes === 0) {
      await assertSame(opened)
    }
    if (this.#at === this.#sizeBytes) this.push(null)
  }

  async #begin(): Promise<OpenedFile> {
    this.#opened = await this.#open() // closed with the stream, also when the file is refused
    if (this.#opened.stats.size !== BigInt(this.#sizeBytes)) throw new FileChangedError()
    return this.#opened
  }
}

async function assertSame({ file, stats: before }: OpenedFile): Promise<void> {
  const after = await file.stat({ bigint: true })
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs || after.ctimeNs !== before.ctimeNs) {
    throw new FileChangedError()
  }
}
