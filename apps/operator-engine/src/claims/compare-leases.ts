import type { HeldJob } from './held-jobs.ts'

/** Where what we believe and what the rows say part. */
export interface LeaseFindings {
  /** Held before the renewal, and not renewed: finished meanwhile, or another engine's by now. */
  missing: HeldJob[]
  /** Renewed in our name, and not held: a claim whose answer was lost, or is still on its way. */
  unheld: { jobId: string; epoch: number }[]
}

/**
 * Compares the leases that were renewed with the jobs that are held.
 * @param before what was held when the renewal was asked for: a job claimed since is not missing
 * @param renewed what the rows say
 * @param isHeld what is held now
 */
export function compareLeases(
  before: ReadonlyMap<string, HeldJob>,
  renewed: readonly { jobId: string; epoch: number }[],
  isHeld: (jobId: string) => boolean,
): LeaseFindings {
  const epochs = new Map(renewed.map(({ jobId, epoch }) => [jobId, epoch]))
  return {
    missing: [...before.values()].filter(({ jobId, epoch }) => epochs.get(jobId) !== epoch),
    unheld: renewed.filter(({ jobId }) => !isHeld(jobId)),
  }
}
