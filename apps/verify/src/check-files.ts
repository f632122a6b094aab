import { basename } from 'node:path'
import type { ProofSubject } from '@c2d/contracts'
import { listFiles } from './list-files.ts'
import type { ReportLine } from './report.ts'

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
