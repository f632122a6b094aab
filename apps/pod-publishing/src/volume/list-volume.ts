import { lstat, opendir } from 'node:fs/promises'
import { NotInsideError, joinRaw, openFolderInside, pathOfFolder, type RawPath } from './open-inside.ts'

/** A regular file as it was listed. */
export interface ListedFile {
  raw: RawPath
  sizeBytes: number
}

/** Something that is not published, and why; for the job's log and its list of results. */
export interface LeftOut {
  raw: RawPath
  why: string
  /** Whether files may be lost by it; a link or a pipe is none. */
  isLoss: boolean
}

export interface Listing {
  /** In byte order of their paths. */
  files: ListedFile[]
  leftOut: LeftOut[]
  /** The limit that ended the listing before the tree did; null when all was seen. */
  cutAt: string | null
}

export interface ListingLimits {
  /** Files of the folder. */
  maxFiles: number
  /** Everything looked at, folders and what is left out included. */
  maxEntries: number
  /** Folders within folders. */
  maxDepth: number
}

/**
 * Lists the regular files below a folder of the volume. The algorithm made it and may have made it badly: nothing is
 * followed, nothing recursive, and the listing stops at its limits, however large the tree is. A file that has another
 * name outside the listing is left out: it may be a file that the algorithm could name and not read.
 * @param root the volume
 * @param folder its top folder; one that is not there has no files
 */
export async function listVolume(root: string, folder: string, limits: ListingLimits): Promise<Listing> {
  const found: (ListedFile & { inode: string; names: number })[] = []
  const leftOut: LeftOut[] = []
  const leave = (raw: RawPath, why: string, isLoss = false): void => void leftOut.push({ raw, why, isLoss })
  const waiting: RawPath[] = [[Buffer.from(folder)]]
  let entries = 0
  let cutAt: string | null = null

  for (let path = waiting.pop(); path && cutAt === null; path = waiting.pop()) {
    if (path.length > limits.maxDepth) {
      leave(path, `it lies more than ${limits.maxDepth} folders deep`, true)
      continue
    }
    const opened = await openFolderInside(root, path).catch((error: unknown) => {
      if (path.length === 1 && (error as NodeJS.ErrnoException).code === 'ENOENT') return null
      leave(path, `it cannot be opened: ${wordsOf(error)}`, !(error instanceof NotInsideError))
      return null
    })
    if (!opened) continue
    try {
      const here = pathOfFolder(opened, root, path)
      for await (const entry of await opendir(here, { encoding: 'buffer' as never, bufferSize: 256 })) {
        const name = entry.name as unknown as Buffer // what `encoding: 'buffer'` gives; its type does not say so
        const raw = [...path, name]
        entries += 1
        if (entries > limits.maxEntries) {
          cutAt = `more than ${limits.maxEntries} entries`
          break
        }
        const stats = await lstat(joinRaw(here, name), { bigint: true })
        if (stats.isDirectory()) waiting.push(raw)
        else if (!stats.isFile()) leave(raw, 'it is neither a file nor a folder')
        else {
          if (found.length >= limits.maxFiles) {
            cutAt = `more than ${limits.maxFiles} files`
            break
          }
          const names = Number(stats.nlink)
          found.push({ raw, sizeBytes: Number(stats.size), inode: `${stats.dev}:${stats.ino}`, names })
        }
      }
    } finally {
      await opened.close()
    }
  }

  const seen = new Map<string, number>()
  for (const { inode } of found) seen.set(inode, (seen.get(inode) ?? 0) + 1)
  const files: ListedFile[] = []
  for (const { raw, sizeBytes, inode, names } of found) {
    if (names > (seen.get(inode) ?? 0)) leave(raw, 'it has another name outside of this folder')
    else files.push({ raw, sizeBytes })
  }
  files.sort((a, b) => compareRaw(a.raw, b.raw))
  leftOut.sort((a, b) => compareRaw(a.raw, b.raw))
  return { files, leftOut, cutAt }
}

/** As the paths compare byte by byte, a slash before everything else: `a/b` comes before `a.b`. */
function compareRaw(a: RawPath, b: RawPath): number {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const order = Buffer.compare(a[at] ?? Buffer.alloc(0), b[at] ?? Buffer.alloc(0))
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** Without the path, which is one of this machine. */
function wordsOf(error: unknown): string {
  if (error instanceof NotInsideError) return error.message
  return (error as NodeJS.ErrnoException).code ?? 'no reason is given'
}
