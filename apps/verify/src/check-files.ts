import type { ProofSubject } from '@c2d/contracts'
import { listFiles } from './list-files.ts'
import type { ReportLine } from './report.ts'

/**
 * Holds the files of a folder against what a proof says: each must be one of the proof's, by its hash. One whose path ends
 * like a proven file's must be that one: as much of both counts as is the same, down to the mere name, as downloads have it.
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
    if (file.sha256 === null) {
      lines.push({ outcome: 'unchecked', text: `${file.name} is no plain file` })
      continue
    }
    const named = listNamed(file.name, subjects)
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

/** Those whose path has the longest end in common with a file's, of one name at least. */
function listNamed(path: string, subjects: readonly ProofSubject[]): ProofSubject[] {
  const lengths = subjects.map(({ name }) => commonEnd(name, path))
  const longest = Math.max(1, ...lengths)
  return subjects.filter((_subject, index) => lengths[index] === longest)
}

/** How many names two paths have in common, from their ends. */
function commonEnd(a: string, b: string): number {
  const [left, right] = [a.split('/').reverse(), b.split('/').reverse()]
  const differs = left.findIndex((name, index) => name !== right[index])
  return differs === -1 ? left.length : differs
}
