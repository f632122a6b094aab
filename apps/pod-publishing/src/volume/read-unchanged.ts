import type { FileHandle } from 'node:fs/promises'

/** A file was not the same from its first byte to its last. */
export class FileChangedError extends Error {
  constructor() {
    super('it changed while it was read')
    this.name = 'FileChangedError'
  }
}

const PIECE_BYTES = 256 * 1024

/**
 * The bytes of a file, as long as it was when it was listed and held to its limits, and no byte more: a file that grows
 * for ever does not keep us reading. It is opened with the first byte that is asked for, and closed in the end.
 * @param opening what opens it; its errors are the stream's
 * @throws FileChangedError when it grew, shrank or was written to; what was read by then is not the file
 */
export async function* readUnchanged(opening: () => Promise<FileHandle>, sizeBytes: number): AsyncGenerator<Buffer> {
  const file = await opening()
  try {
    const before = await file.stat({ bigint: true })
    if (before.size !== BigInt(sizeBytes)) throw new FileChangedError()
    let left = sizeBytes
    for (let at = 0; left > 0;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(PIECE_BYTES, left)), 0, null, at)
      if (bytesRead === 0) throw new FileChangedError()
      at += bytesRead
      left -= bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    const after = await file.stat({ bigint: true })
    if (after.size !== before.size || after.mtimeNs !== before.mtimeNs || after.ctimeNs !== before.ctimeNs) {
      throw new FileChangedError()
    }
  } finally {
    await file.close()
  }
}
