import { Readable } from 'node:stream'
import type { ReadableStream, ReadableStreamDefaultReader } from 'node:stream/web'
import { AppError } from '@c2d/runtime'

/**
 * A body that is whole or fails: an origin that hangs up early must never pass for one with a shorter file. Reads as
 * fast as it is read from; destroying it lets go of the connection.
 * @param expectedBytes null where the origin did not say; then only a connection that breaks is noticed
 * @returns a stream that fails with AppError `FilesUnavailable`, whose text names no address
 */
export function createWholeBody(body: ReadableStream | Readable, expectedBytes: number | null): Readable {
  return body instanceof Readable ? holdStream(body, expectedBytes) : holdWebStream(body, expectedBytes)
}

function holdStream(body: Readable, expectedBytes: number | null): Readable {
  let seenBytes = 0
  const whole = new Readable({
    read: () => void body.resume(),
    destroy(error, done) {
      body.destroy()
      done(error)
    },
  })
  body.on('data', (chunk: Buffer) => {
    seenBytes += chunk.length
    if (expectedBytes !== null && seenBytes > expectedBytes) whole.destroy(cutShort())
    else if (!whole.push(chunk)) body.pause()
  })
  body.once('end', () => {
    if (expectedBytes !== null && seenBytes < expectedBytes) whole.destroy(cutShort())
    else whole.push(null)
  })
  body.once('error', (failure) => whole.destroy(cutShort(failure)))
  body.once('close', () => {
    if (!body.readableEnded) whole.destroy(cutShort())
  })
  body.pause() // until somebody reads
  return whole
}

function holdWebStream(body: ReadableStream, expectedBytes: number | null): Readable {
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>
  let seenBytes = 0
  return new Readable({
    read() {
      void readChunk(reader).then((read) => {
        if (this.destroyed) return
        if ('failure' in read) this.destroy(cutShort(read.failure))
        else if (read.chunk) {
          seenBytes += read.chunk.byteLength
          if (expectedBytes !== null && seenBytes > expectedBytes) this.destroy(cutShort())
          else this.push(read.chunk)
        } else if (expectedBytes !== null && seenBytes < expectedBytes) this.destroy(cutShort())
        else this.push(null)
      })
    },
    destroy(error, done) {
      // Whatever cancelling a broken connection says, we are through with it.
      reader.cancel().then(
        () => done(error),
        () => done(error),
      )
    },
  })
}

type ReadResult = { chunk: Buffer | null } | { failure: unknown }

async function readChunk(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadResult> {
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return { chunk: null }
      // An empty chunk would end nothing and wake nobody.
      if (value.byteLength > 0) return { chunk: Buffer.from(value.buffer, value.byteOffset, value.byteLength) }
    }
  } catch (failure) {
    return { failure }
  }
}

function cutShort(cause?: unknown): AppError {
  return new AppError('FilesUnavailable', { detail: 'The file ended before it was whole.', cause })
}
