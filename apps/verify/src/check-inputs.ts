import type { FileSalt, ProofPredicate } from '@c2d/contracts'
import { saltHash } from '@c2d/proof'
import { listFiles } from './list-files.ts'
import type { ReportLine } from './report.ts'

/** A file that reached the job, as the proof tells it. */
interface ToldFile {
  title: string
  isSalted: boolean
}

/** A salt that is at hand; of which dataset may not be known. */
export type KnownSalt = Pick<FileSalt, 'salt'> & { did: string | null }

/**
 * Holds the files of a folder against those that reached the job, datasets' and algorithm's: each must be one of them, by
 * its hash, whatever it is called. Where a proof tells salted hashes, only who has the salt can say.
 * @param except a file that is no part of them: the proof itself
 */
export async function checkInputs(
  folder: string,
  predicate: ProofPredicate,
  salts: readonly KnownSalt[],
  except: string,
): Promise<ReportLine[]> {
  const told = listTold(predicate)
  const hidden = predicate.datasets.filter(
    ({ did, files }) => files.some(({ salted }) => salted) && !salts.some((salt) => isSaltOf(salt, did)),
  )
  const lines: ReportLine[] = []
  const seen = new Set<ToldFile>()
  for (const { name, sha256 } of await listFiles(folder, except)) {
    if (sha256 === null) {
      lines.push({ outcome: 'unchecked', text: `${name} is no plain file` })
      continue
    }
    const hashes = [sha256, ...salts.map(({ salt }) => saltHash(salt, sha256))]
    const [plain, ...salted] = hashes.map((hash) => told.get(hash) ?? [])
    const matches = [
      ...(plain ?? []).filter(({ isSalted }) => !isSalted),
      ...salted.flat().filter(({ isSalted }) => isSalted),
    ]
    for (const match of matches) seen.add(match)
    lines.push(reportOf(name, matches, hidden.length > 0))
  }
  const absent = [...told.values()].flat().filter((file) => !seen.has(file))
  return [
    ...lines,
    ...absent.map(({ title }): ReportLine => ({ outcome: 'unchecked', text: `${title} is not at hand` })),
  ]
}

function reportOf(name: string, matches: readonly ToldFile[], mayBeHidden: boolean): ReportLine {
  if (matches.length > 0) {
    return { outcome: 'passed', text: `${name} is ${matches.map(({ title }) => title).join(', and ')}` }
  }
  return mayBeHidden
    ? { outcome: 'unchecked', text: `${name}: the hashes of a dataset are salted, and its owner has the salt (--salt)` }
    : { outcome: 'failed', text: `${name} is no file that reached this job` }
}

/** By hash, salted or not; the same bytes may have come twice. */
function listTold({ datasets, algorithm }: ProofPredicate): Map<string, ToldFile[]> {
  const told = new Map<string, ToldFile[]>()
  const add = (of: string, files: ProofPredicate['algorithm']['files']): void => {
    for (const { index, sha256, salted } of files) {
      const file = { title: `file ${index} of ${of}`, isSalted: salted === true }
      told.set(sha256, [...(told.get(sha256) ?? []), file])
    }
  }
  for (const { did, files } of datasets) add(did === null ? 'a dataset' : `the dataset ${did}`, files)
  add('the algorithm', algorithm.files)
  return told
}

function isSaltOf(salt: KnownSalt, did: string | null): boolean {
  return salt.did === null || salt.did === did
}
