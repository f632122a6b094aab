import { webcrypto } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import type { WrittenFile } from '@c2d/storage'
import type { BufferPool } from './buffer-pool.ts'
import type { HashRun, Hasher } from './hasher.ts'
import type { Reservation, SpaceBudget } from './space-budget.ts'

/**
 * A file that nobody sees before it is whole (DESIGN §4.4): its bytes arrive in any order at a place of their own, are
 * hashed in the right one, and get their name at the end. A small file stays in memory until then.
 */
export interface PartialFile {
  /** Makes room for a size that is known before. @throws ProvisionError `InputTooLarge` */
  expect(sizeBytes: number): Promise<void>
  /**
   * Writes the first `length` bytes of a pooled buffer at their position.
   * @returns whether the buffer is free again; else the file keeps it, and gives it back to the pool by itself
   */
  write(position: number, buffer: Buffer, length: number): Promise<boolean>
  /** Forgets every byte: the origin's file is another one now. */
  reset(): Promise<void>
  /** Ends it: all of `sizeBytes` have been written. */
  finish(sizeBytes: number): Promise<WrittenFile>
  /** Gives the finished file its name. */
  commit(path: string): Promise<void>
  /** Removes what is there; safe to repeat, and after `commit`. */
  discard(): Promise<void>
}

const HELD_BYTES = 1024 ** 2
const GROWTH_BYTES = 1024 ** 2

/** A pooled buffer, and how much of it is the file's. */
interface Held {
  buffer: Buffer
  length: number
}

interface OnVolume {
  handle: FileHandle
  hash: HashRun
}

/** @param path where the bytes are until they are whole; on the file system of where they go */
export function createPartialFile(
  path: string,
  deps: { hasher: Hasher; space: SpaceBudget; buffers: BufferPool },
): PartialFile {
  let room: Reservation = deps.space.reserve()
  let held: Held[] = []
  let heldBytes = 0
  let expectedBytes = 0
  let volume: Promise<OnVolume> | undefined
  /** What is written beyond the first gap: where each stretch begins, and ends. */
  let islands = new Map<number, number>()
  let upTo = 0
  let isCommitted = false

  async function openOnVolume(): Promise<OnVolume> {
    const handle = await open(path, 'wx', 0o644)
    if (expectedBytes > 0) await handle.truncate(expectedBytes)
    return { handle, hash: deps.hasher.begin(path) }
  }

  async function store(position: number, bytes: Buffer): Promise<void> {
    const { handle, hash } = await (volume ??= openOnVolume())
    await writeAll(handle, position, bytes)
    room.wrote(bytes.length)
    islands.set(position, position + bytes.length)
    const before = upTo
    for (let end = islands.get(upTo); end !== undefined; end = islands.get(upTo)) {
      islands.delete(upTo)
      upTo = end
    }
    if (upTo > before) hash.advance(upTo)
  }

  function releaseHeld(): void {
    for (const { buffer } of held) deps.buffers.give(buffer)
    held = []
    heldBytes = 0
  }

  async function close(): Promise<void> {
    const opened = await volume?.catch(() => undefined) // what could not be opened need not be closed
    volume = undefined
    opened?.hash.drop()
    await opened?.handle.close()
  }

  return {
    async expect(sizeBytes) {
      expectedBytes = sizeBytes
      await room.grow(sizeBytes)
    },
    async write(position, buffer, length) {
      const end = position + length
      if (end > expectedBytes) await room.grow(Math.ceil(end / GROWTH_BYTES) * GROWTH_BYTES)
      if (!volume && position === heldBytes && end <= HELD_BYTES && expectedBytes <= HELD_BYTES) {
        held.push({ buffer, length })
        heldBytes = end
        return false
      }
      if (heldBytes > 0) {
        const early = contentOf(held)
        await store(0, early)
        releaseHeld()
      }
      await store(position, buffer.subarray(0, length))
      return true
    },
    async reset() {
      await close()
      await rm(path, { force: true })
      room.release('removed')
      room = deps.space.reserve()
      releaseHeld()
      expectedBytes = 0
      islands = new Map()
      upTo = 0
    },
    async finish(sizeBytes) {
      if (!volume) {
        if (heldBytes !== sizeBytes) throw new Error('a file was ended that is not complete')
        return { sizeBytes, sha256: await storeHeld(path, contentOf(held)) }
      }
      if (upTo !== sizeBytes) throw new Error('a file was ended that is not complete')
      const { handle, hash } = await volume
      if (expectedBytes > sizeBytes) await handle.truncate(sizeBytes)
      return { sizeBytes, sha256: await hash.digest(sizeBytes) }
    },
    async commit(target) {
      await rename(path, target)
      isCommitted = true
    },
    async discard() {
      await close()
      releaseHeld()
      if (!isCommitted) await rm(path, { force: true })
      room.release(isCommitted ? 'kept' : 'removed')
    },
  }
}

function contentOf(held: readonly Held[]): Buffer {
  const [first] = held
  const views = held.map(({ buffer, length }) => buffer.subarray(0, length))
  return first && held.length === 1 ? first.buffer.subarray(0, first.length) : Buffer.concat(views)
}

/** A file that is small enough is hashed in one go, by the thread pool. */
async function storeHeld(path: string, content: Buffer): Promise<string> {
  const [digest] = await Promise.all([webcrypto.subtle.digest('SHA-256', content), storeNew(path, content)])
  return Buffer.from(digest).toString('hex')
}

async function storeNew(path: string, content: Buffer): Promise<void> {
  const handle = await open(path, 'wx', 0o644)
  try {
    if (content.length > 0) await writeAll(handle, 0, content)
  } finally {
    await handle.close()
  }
}

/** Writes until all is written: a single call may take less than it is given. */
async function writeAll(handle: FileHandle, position: number, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    if (bytesWritten === 0) throw new Error('the volume takes no more bytes')
    done += bytesWritten
  }
}
