import { isSameAddress, type StoredResult } from '@c2d/contracts'
import { loadJob } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'

/**
 * Finds one result of a job (operator-service-api §9.2).
 * @param wanted.index as sent
 * @throws AppError `InvalidRequest` for an index that is no integer, `NotFound` with the reference's texts
 */
export async function findResult(
  db: Database,
  wanted: { owner: string; jobId: string; index: string },
): Promise<StoredResult> {
  const index = parseIndex(wanted.index)
  const job = await loadJob(db, wanted.jobId)
  if (!job?.outputs || !isSameAddress(job.owner, wanted.owner)) {
    throw notFound(
      `Owner ${wanted.owner} mismatch for job ${wanted.jobId}`,
      'There is no such job of this owner, or it has no results (yet).',
    )
  }
  if (index < 0) throw notFound(`Negative index ${index}`)
  const result = job.outputs[index]
  if (!result) throw notFound(`No such index ${index} in this compute job`)
  if (leavesJob(result.url, job.jobId)) throw notFound('The result has no address in this storage.')
  return result
}

/** Addresses are written by a pod: one on our own volume must be its own job's. */
function leavesJob(url: string, jobId: string): boolean {
  return url.startsWith('filesystem:') && !url.startsWith(`filesystem:${jobId}/`)
}

function parseIndex(text: string): number {
  const index = /^\s*[+-]?\d{1,9}\s*$/.test(text) ? Number(text) : undefined
  if (index !== undefined) return index
  throw new AppError('InvalidRequest', {
    detail: `Error getResult: invalid literal for int() with base 10: '${text}'`,
  })
}

function notFound(legacy: string, detail = legacy): AppError {
  return new AppError('NotFound', { detail, legacy })
}
