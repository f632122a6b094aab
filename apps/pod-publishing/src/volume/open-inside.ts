import { constants, existsSync, type BigIntStats } from 'node:fs'
import { open, realpath, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/** A file or folder by its path below the volume, as the bytes that the file system knows it by. */
export type RawPath = readonly Buffer[]

/** What lies at a path is not what may be opened there; the message is for the job's log. */
export class NotInsideError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NotInsideError'
  }
}

const SLASH = Buffer.from('/')
const HAS_DESCRIPTOR_PATHS = existsSync('/proc/self/fd')
// A named pipe would be waited for, and a terminal become ours, were they opened plainly.
const FILE_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY
const FOLDER_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_DIRECTORY

/**
 * Opens a folder of the volume, following no link on the way: each name is looked up in the folder that was opened
 * before, so that what is swapped for a link in between is refused and never walked through.
 * @throws NotInsideError for a link; otherwise what the system says
 */
export async function openFolderInside(root: string, path: RawPath): Promise<FileHandle> {
  if (!HAS_DESCRIPTOR_PATHS) return openByWholePath(root, path, FOLDER_FLAGS)
  let folder = await open(root, constants.O_RDONLY | constants.O_DIRECTORY)
  for (const name of path) {
    try {
      const next = await openAt(folder, name, FOLDER_FLAGS)
      await folder.close()
      folder = next
    } catch (error) {
      await folder.close()
      throw refusalOf(error)
    }
  }
  return folder
}

/** A regular file, open, as it was found. */
export interface OpenedFile {
  file: FileHandle
  stats: BigIntStats
  close(): Promise<void>
}

/**
 * Opens files of a volume in the same way. What is not a regular file is refused, and nothing of it is read. Files of one
 * folder that are open at a time share what leads there.
 * @throws NotInsideError; otherwise what the system says
 */
export function createInsideOpener(root: string): (path: RawPath) => Promise<OpenedFile> {
  const folders = new Map<string, { opening: Promise<FileHandle>; users: number }>()

  /** Until it is given back, nobody opens that folder again. */
  async function share(path: RawPath): Promise<{ folder: FileHandle; giveBack: () => Promise<void> }> {
    const key = Buffer.concat(path.flatMap((name) => [SLASH, name])).toString('latin1')
    const shared = folders.get(key) ?? { opening: openFolderInside(root, path), users: 0 }
    folders.set(key, shared)
    shared.users += 1
    const giveBack = async (): Promise<void> => {
      shared.users -= 1
      if (shared.users > 0) return
      folders.delete(key)
      await (await shared.opening).close()
    }
    try {
      return { folder: await shared.opening, giveBack }
    } catch (thrown) {
      shared.users -= 1
      folders.delete(key)
      throw thrown
    }
  }

  return async (path) => {
    const name = path.at(-1)
    if (!name) throw new NotInsideError('it has no name')
    if (!HAS_DESCRIPTOR_PATHS) {
      return assertRegular(await openByWholePath(root, path, FILE_FLAGS), () => Promise.resolve())
    }
    const { folder, giveBack } = await share(path.slice(0, -1))
    try {
      return await assertRegular(await openAt(folder, name, FILE_FLAGS), giveBack)
    } catch (thrown) {
      await giveBack()
      throw refusalOf(thrown)
    }
  }
}

async function assertRegular(file: FileHandle, giveBack: () => Promise<void>): Promise<OpenedFile> {
  const stats = await file.stat({ bigint: true })
  if (!stats.isFile()) {
    await file.close()
    throw new NotInsideError('it is not a regular file')
  }
  return {
    file,
    stats,
    async close() {
      await file.close()
      await giveBack()
    },
  }
}

/** Where an opened folder can be listed, and its entries looked at, whatever its name leads to by now. */
export function pathOfFolder(folder: FileHandle, root: string, path: RawPath): Buffer {
  return HAS_DESCRIPTOR_PATHS ? Buffer.from(`/proc/self/fd/${folder.fd}`) : wholePath(root, path)
}

/** One path of bytes; names need not be text. */
export function joinRaw(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, SLASH, name])
}

function openAt(folder: FileHandle, name: Buffer, flags: number): Promise<FileHandle> {
  return open(joinRaw(Buffer.from(`/proc/self/fd/${folder.fd}`), name), flags)
}

/** Where a system has no paths of descriptors: opened by its whole path, and then held against where that leads. */
async function openByWholePath(root: string, path: RawPath, flags: number): Promise<FileHandle> {
  const wanted = wholePath(await realpath(root), path)
  try {
    const file = await open(wanted, flags)
    const [opened, there] = [await file.stat(), await realpath(wanted, 'buffer')]
    if (wanted.equals(there)) return file
    await file.close()
    throw new NotInsideError(`it is reached by a link (inode ${opened.ino})`)
  } catch (error) {
    throw refusalOf(error)
  }
}

function wholePath(root: string, path: RawPath): Buffer {
  return path.reduce((folder, name) => joinRaw(folder, name), Buffer.from(join(root)))
}

/** The system's words for what is no file of ours to read; `EMLINK` is what some say of a link. */
const REFUSALS: Record<string, string> = {
  ELOOP: 'it is a link',
  EMLINK: 'it is a link',
  ENOTDIR: 'a folder on the way to it is none, or a link',
  ENXIO: 'it is not a regular file',
}

function refusalOf(error: unknown): unknown {
  const words = REFUSALS[(error as NodeJS.ErrnoException).code ?? '']
  return words === undefined ? error : new NotInsideError(words)
}
