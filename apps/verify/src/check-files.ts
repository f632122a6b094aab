import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join, relative, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ProofSubject } from '@c2d/contracts'
import type { ReportLine } from './report.ts'

interface FoundFile {
  /** Below the folder, with `/`. */
  name: string
  sha256: string
}

/**
 * Holds the files of a folder against what a proof says: each must be one of the proof's, by its hash. One that has the
 * name of a proven file (its path in the job, or the last part of it, as downloads are named) must be that one.
 * @param except a file that is no part of the outputs: the proof itself
 */
export async function checkFiles(
  folder: string,
  subjects: readonly ProofSubject[],
  except: string,
): Promise<ReportLine[]> {
  const lines: ReportLine[] = []
  const seen = new Set<ProofSubject>()
  for (const file of await listFiles(folder, except)) {
    const named = subjects.filter(({ name }) => name === file.name || basename(name) === basename(file.name))
    const candidates = named.length > 0 ? named : subjects
    const match = candidates.find(({ digest }) => digest.sha256 === file.sha256)
    if (match) seen.add(match)
    lines.push(
      match
        ? { outcome: 'passed', text: `${file.name} is the job's ${match.name}` }
        : {
            outcome: 'failed',
            text: `${file.name} is ${named.length > 0 ? `not what the job left as ${named[0]?.name}` : 'no file of this job'}`,
          },
    )
  }
  const absent = subjects.filter((subject) => !seen.has(subject))
  return [...lines, ...absent.map(({ name }): ReportLine => ({ outcome: 'unchecked', text: `${name} is not at hand` }))]
}

async function listFiles(folder: string, except: string): Promise<FoundFile[]> {
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
