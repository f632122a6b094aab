import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** A file at hand. */
export interface FoundFile {
  /** Below the folder, with `/`. */
  name: string
  sha256: string
}

/**
 * Every file below a folder, with its hash.
 * @param except one that does not count: the proof itself
 */
export async function listFiles(folder: string, except: string): Promise<FoundFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []))
  const found: FoundFile[] = []
  for (const path of paths.sort()) {
    if (resolve(path) === resolve(except)) continue
    found.push({ name: relative(folder, path).split(sep).join('/'), sha256: await hashFile(path) })
  }
  return found
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
