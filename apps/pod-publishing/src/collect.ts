import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** A file to publish: where it lies, and its path below the volume with `/`. */
export interface CollectedFile {
  path: string
  relativePath: string
}

/** The folders that are published, in the order of the result index (pods-behaviour §2.2). */
const FOLDERS = ['outputs', 'logs', 'adminlogs']

/**
 * Every regular file of a job's outputs and logs, sub-folders included, in byte order of their names. Links and
 * special files are left out and named: an algorithm could point them at anything.
 * @param root the job's volume
 */
export async function collectFiles(root: string): Promise<{ files: CollectedFile[]; leftOut: string[] }> {
  const files: CollectedFile[] = []
  const leftOut: string[] = []

  async function walk(relativeFolder: string): Promise<void> {
    const entries = await readdir(join(root, relativeFolder), { withFileTypes: true })
    for (const entry of entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))) {
      const relativePath = `${relativeFolder}/${entry.name}`
      if (entry.isDirectory()) await walk(relativePath)
      else if (entry.isFile()) files.push({ path: join(root, relativePath), relativePath })
      else leftOut.push(relativePath)
    }
  }

  for (const folder of FOLDERS) {
    try {
      await walk(folder)
    } catch (error) {
      // A job that was stopped before its first step has no folders yet; that is no failure.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return { files, leftOut }
}
