import { Transform } from 'node:stream'

/** A stream that passes everything on and knows how much it was. */
export interface ByteCounter {
  readonly stream: Transform
  count(): number
}

/** Creates one that has seen nothing. */
export function createByteCounter(): ByteCounter {
  let bytes = 0
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done(null, chunk)
    },
  })
  return { stream, count: () => bytes }
}
