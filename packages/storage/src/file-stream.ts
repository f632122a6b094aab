import { open, type FileHandle } from 'node:fs/promises'
import { toError } from '@c2d/runtime'
import { borrowBuffer, CHUNK_BYTES, LendingStream } from './lending-stream.ts'
import type { ByteRange } from './result-store.ts'

/** A file, or a range of it, as a stream. */
class FileStream extends LendingStream {
  readonly #file: FileHandle
  readonly #end: number
  #position: number
  #reading: Promise<void> | undefined

  /** @param file is closed with the stream */
  constructor(file: FileHandle, range: ByteRange) {
    super({ highWaterMark: CHUNK_BYTES })
    this.#file = file
    this.#position = range.start
    this.#end = range.end
  }

  override _read(): void {
    this.#reading = this.#readChunk()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // A file must not be closed under a read: its number may be another file's by then.
    void (this.#reading ?? Promise.resolve())
      .then(() => this.#file.close())
      .then(
        () => done(error),
        (thrown: unknown) => done(error ?? toError(thrown)),
      )
  }

  async #readChunk(): Promise<void> {
    const wanted = Math.min(CHUNK_BYTES, this.#end - this.#position + 1)
    if (wanted <= 0) {
      this.push(null)
      return
    }
    const buffer = borrowBuffer()
    try {
      const { bytesRead } = await this.#file.read(buffer, 0, wanted, this.#position)
      if (bytesRead === 0) throw new Error('the file became shorter while it was read')
      this.#position += bytesRead
      this.#reading = undefined
      this.push(buffer.subarray(0, bytesRead))
    } catch (thrown) {
      this.#reading = undefined
      this.destroy(toError(thrown))
    }
  }
}

/**
 * Opens a file for reading in large chunks that can be given back.
 * @param range lies within the file; all of it when absent
 * @throws Error of the file system (`ENOENT`…)
 */
export async function openFileStream(path: string, range?: ByteRange): Promise<LendingStream> {
  const file = await open(path, 'r')
  try {
    return new FileStream(file, range ?? { start: 0, end: (await file.stat()).size - 1 })
  } catch (thrown) {
    await file.close()
    throw thrown
  }
}
