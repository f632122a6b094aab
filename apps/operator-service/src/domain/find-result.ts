import type { StoredResult } from '@c2d/contracts'
import { areResultsRemoved, type JobRow } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'
import { isAddressOfJob } from '@c2d/storage'
import { isWebAddress } from './web-address.ts'
import { loadOwnedJob } from './load-owned-job.ts'

/** A result that can be served: what it is called, and where it lies, the first place first. */
export interface FoundResult {
  filename: string
  sha256: string | undefined
  /** At least one. */
  addresses: string[]
}

/**
 * Finds one result of a job (operator-service-api §9.2). Other than the reference it tells an owner why there is none:
 * the job is still at work, its results expired, it left none, or this one was not stored (§15 S-13).
 * @param wanted.index as sent
 * @throws AppError `InvalidRequest` for an index that is no integer, `NotFound`
 */
export async function findResult(
  db: Database,
  wanted: { owner: string; jobId: string; index: string },
): Promise<FoundResult> {
  const index = parseIndex(wanted.index)
  const job = await loadOwnedJob(db, wanted)
  if (!job.outputs || job.outputs.length === 0) throw notFound(await whyNone(db, job))
  if (index < 0) throw notFound(`Negative index ${index}`)
  const result = job.outputs[index]
  if (!result) throw notFound(`No such index ${index} in this compute job`)
  if (result.url === '') throw notFound(await whyNotKept(db, job, result))
  return assertOwnAddress(result, job)
}

/** The stored log of a job's algorithm, or null where none was stored. */
export function findStoredLog(job: JobRow, type: StoredResult['type'] = 'algorithmLog'): FoundResult | null {
  const log = job.outputs?.find((output) => output.type === type && output.url !== '')
  return log ? assertOwnAddress(log, job) : null
}

/**
 * Addresses are written by a pod: whatever it wrote, it can only name what is its own job's. Web addresses say nothing of
 * whose they are; they count in rows that no engine of ours ever claimed, which were finished before this system came.
 */
function assertOwnAddress({ filename, sha256, url, copies = [] }: StoredResult, job: JobRow): FoundResult {
  const isAdopted = job.epoch === 0
  const addresses = [url, ...copies].filter(
    (address) => isAddressOfJob(address, job.jobId) || (isAdopted && isWebAddress(address)),
  )
  if (addresses.length > 0) return { filename, sha256, addresses }
  throw notFound('The result has no address in this storage.')
}

async function whyNone(db: Database, job: JobRow): Promise<string> {
  if (await areResultsRemoved(db, job.jobId)) return `The results of job ${job.jobId} have expired and were removed`
  return job.dateFinished === null
    ? `Job ${job.jobId} has no results yet: it is still at work`
    : `No results for job ${job.jobId}`
}

async function whyNotKept(db: Database, job: JobRow, { filename, failure, delivered }: StoredResult): Promise<string> {
  if (await areResultsRemoved(db, job.jobId)) return whyNone(db, job)
  if (delivered) return `${JSON.stringify(filename)} was delivered to the consumer's own storage, and is not kept here`
  return `${JSON.stringify(filename)} was not stored${failure === undefined ? '' : `: ${failure}`}`
}

function parseIndex(text: string): number {
  const index = /^\s*[+-]?\d{1,9}\s*$/.test(text) ? Number(text) : undefined
  if (index !== undefined) return index
  throw new AppError('InvalidRequest', {
    detail: `Error getResult: invalid literal for int() with base 10: '${text}'`,
  })
}

function notFound(detail: string): AppError {
  return new AppError('NotFound', { detail })
}
