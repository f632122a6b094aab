import type { DerivedAsset, StoredResult } from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'

/** A result that becomes a file of an asset, by its position among the job's results. */
export interface ChosenResult {
  index: number
  result: StoredResult
}

/** What a job's results are to become; null where nobody asked. */
export function wishOf(job: JobRow): DerivedAsset | null {
  return job.workflow?.spec.metadata.stages[0]?.output.derivedAsset ?? null
}

/**
 * The results that a wish is about, of a job that ended well: a failed run makes no asset, and neither does one that left
 * nothing. What was not stored is no file.
 */
export function chooseResults(job: JobRow, wish: DerivedAsset): ChosenResult[] {
  if (job.dateFinished === null || job.reason !== null || job.exitCode !== 0) return []
  return (job.outputs ?? []).flatMap((result, index) => {
    const isWanted = (result.type === 'output' && wish.outputs) || (result.type === 'algorithmLog' && wish.log)
    return isWanted && result.url !== '' ? [{ index, result }] : []
  })
}
