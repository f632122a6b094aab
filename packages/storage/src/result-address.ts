import { jobIdSchema } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'

/** The backends there are; each is the scheme of its addresses. */
export const RESULT_BACKENDS = ['filesystem', 's3', 'ipfs'] as const
export type ResultBackend = (typeof RESULT_BACKENDS)[number]

/** What an address says: which backend holds the object, whose it is, and where below the job. */
export interface ResultAddress {
  backend: ResultBackend
  jobId: string
  /** Relative, with `/`; never empty, never leads upwards. */
  path: string
}

/** The address of an object as its row keeps it: `<backend>:<jobId>/<path>`. */
export function formatResultAddress({ backend, jobId, path }: ResultAddress): string {
  return `${backend}:${jobIdSchema.parse(jobId)}/${assertResultPath(path)}`
}

/**
 * Reads an address. Rows are written by pods: one that leads out of its job's own place is none.
 * @throws AppError `NotFound`
 */
export function parseResultAddress(url: string): ResultAddress {
  const [, scheme = '', jobId = '', path = ''] = /^([a-z0-9]+):([^/]*)\/(.+)$/s.exec(url) ?? []
  const backend = RESULT_BACKENDS.find((known) => known === scheme)
  if (!backend || !jobIdSchema.safeParse(jobId).success || !isResultPath(path)) {
    throw new AppError('NotFound', { detail: 'The result has no address in this storage.' })
  }
  return { backend, jobId, path }
}

/** Whether an address is one of ours and of this job; a row may name no other. */
export function isAddressOfJob(url: string, jobId: string): boolean {
  try {
    return parseResultAddress(url).jobId === jobId
  } catch {
    return false // no address of ours is no address of the job
  }
}

/**
 * The path itself, when objects can be kept under it.
 * @throws AppError `InvalidRequest`
 */
export function assertResultPath(path: string): string {
  if (isResultPath(path)) return path
  throw new AppError('InvalidRequest', { detail: 'The name of the result cannot be kept.' })
}

function isResultPath(path: string): boolean {
  if (path.includes('\0') || /\p{Surrogate}/u.test(path)) return false
  return path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..')
}
