import type { ProvisioningDetail } from '@c2d/operator-db/reports'
import type { ProvisionResult } from './provision.ts'

/** Well below what the report function takes (16 MiB). */
const MAX_FILES_TOLD = 40_000

/**
 * What is kept with the job. Beyond a number of files only their sum is: the manifest on the volume has them all, and a
 * report that is too large would lose the whole job.
 */
export function buildProvisioningDetail({ reason, message, files }: ProvisionResult): ProvisioningDetail {
  const told = files.slice(0, MAX_FILES_TOLD).map(({ did, serviceId, index, sizeBytes, sha256 }) => ({
    did,
    serviceId,
    index,
    sizeBytes,
    sha256,
  }))
  const totals = { fileCount: files.length, totalBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) }
  return { reason, message, files: told, ...totals }
}
