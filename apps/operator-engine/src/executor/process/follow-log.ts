import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'

const CHUNK_BYTES = 64 * 1024
const POLL_MS = 50

async function openLog(path: string): Promise<FileHandle | null> {
  try {
    // The algorithm's log stands in a folder that an unsealed algorithm can write to: never follow a link it may have put there.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ELOOP') return null
    throw error
  }
}

/** The bytes of a growing file, from its first one until `isOver` says that nothing more will come and all of it was read. */
export async function* followLog(path: string, isOver: () => Promise<boolean>): AsyncGenerator<Buffer> {
  let file: FileHandle | null = null
  let position = 0
  try {
    for (;;) {
      // Asked before reading: what was written before the end is then surely read after it.
      const over = await isOver()
      file ??= await openLog(path)
      for (;;) {
        if (file === null) break
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position)
        if (bytesRead === 0) break
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
      if (over) return
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  } finally {
    await file?.close()
  }
}
