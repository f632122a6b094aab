import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** A file at hand. */
export interface FoundFile {
  /** Below the folder, with `/`. */
  name: string
  /** Null for what is no plain file: nothing is followed out of the folder, and nothing is passed over in silence. */
  sha256: string | null
}

/**
 * Every file below a folder, with its hash.
 * @param except one that does not count: the proof itself
 */
export async function listFiles(folder: string, except: string): Promise<FoundFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.flatMap((entry) =>
    entry.isDirectory() ? [] : [{ path: join(entry.parentPath, entry.name), isPlain: entry.isFile() }],
  )
  const found: FoundFile[] = []
  for (const { path, isPlain } of files.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (resolve(path) === resolve(except)) continue
    const name = relative(folder, path).split(sep).join('/')
    found.push({ name, sha256: isPlain ? await hashFile(path) : null })
  }
  return found
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
