import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A file as it was written. */
export interface WrittenFile {
  sizeBytes: number
  sha256: string
}

/**
 * Writes a stream to a file, hashing every byte on the way. The file is there whole or not at all: it gets its name
 * only when the last byte is written and `accept` has agreed to its hash; otherwise nothing of it stays.
 * @param accept throws to refuse the bytes; left out, all are taken
 */
export async function writeFileWhole(
  path: string,
  source: Readable,
  accept: (file: WrittenFile) => void = () => undefined,
): Promise<WrittenFile> {
  const partial = join(dirname(path), `.${randomUUID()}.partial`) // a name of 255 bytes has no room for more
  const hash = createHash('sha256')
  let sizeBytes = 0
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      sizeBytes += chunk.length
      done(null, chunk)
    },
  })
  await mkdir(dirname(path), { recursive: true })
  try {
    await pipeline(source, measure, createWriteStream(partial, { flags: 'wx' }))
    const file = { sizeBytes, sha256: hash.digest('hex') }
    accept(file)
    await rename(partial, path)
    return file
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}
