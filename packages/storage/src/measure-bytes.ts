import { createHash } from 'node:crypto'
import { Transform, pipeline, type Readable } from 'node:stream'

/** A stream that is measured while somebody else reads it. */
export interface MeasuredBytes {
  /** What to read in place of the source. */
  stream: Readable
  /** Size and SHA-256 (hex) of what came by; to be asked once the stream has ended. */
  total(): { sizeBytes: number; sha256: string }
  /** What the source failed with: a store must not take that for a failure of its own. */
  failure(): Error | undefined
}

/** Hashes and counts what passes. */
export function measureBytes(source: Readable): MeasuredBytes {
  const hash = createHash('sha256')
  let sizeBytes = 0
  let failure: Error | undefined
  source.once('error', (error) => {
    failure = error
  })
  const measure = new Transform({
    transform(chunk: Buffer | string, _encoding, done) {
      hash.update(chunk)
      sizeBytes += Buffer.byteLength(chunk)
      done(null, chunk)
    },
  })
  pipeline(source, measure, () => undefined) // ends both with the first error; whoever reads `measure` meets it
  return {
    stream: measure,
    total: () => ({ sizeBytes, sha256: hash.digest('hex') }),
    failure: () => failure,
  }
}

/** Measures what a reader pulls through it, in place of a stream in between: every chunk stays the one that was lent. */
export function createMeter() {
  const hash = createHash('sha256')
  let sizeBytes = 0
  let failure: Error | undefined
  return {
    async *pass(source: Readable): AsyncGenerator<Buffer> {
      try {
        for await (const chunk of source as AsyncIterable<Buffer | string>) {
          const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
          hash.update(bytes)
          sizeBytes += bytes.length
          yield bytes
        }
      } catch (thrown) {
        failure = thrown as Error // as it was thrown: it is the source's, and whoever stores tells by it what to do
        throw thrown
      }
    },
    /** Size and SHA-256 (hex) of what came by; to be asked once the source has ended. */
    total: () => ({ sizeBytes, sha256: hash.digest('hex') }),
    /** What the source failed with: a store must not take that for a failure of its own. */
    failure: () => failure,
  }
}
