import type { StoredResult } from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'

/**
 * Whether the publish step has reported that all outputs and logs of a job are where they belong: it says so once, when
 * it has nothing left to do. What could not be stored, or was refused, has no address, or a failure beside it.
 */
export function isAllStored({ outputs }: Pick<JobRow, 'outputs'>): boolean {
  return outputs !== null && outputs.every(isStored)
}

function isStored({ delivered, deliveryFailure, failure, url }: StoredResult): boolean {
  // The consumer has what was delivered, and may have wanted no copy here.
  return (url !== '' || delivered === true) && failure === undefined && deliveryFailure === undefined
}
