import { jobsWithoutRow, loadJob, renewLeases, type JobRow } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import type { Logger } from '@c2d/runtime'
import { compareLeases } from './compare-leases.ts'
import type { HeldJobs } from './held-jobs.ts'

/** Keeps the leases of the jobs that are held. */
export interface LeaseKeeper {
  /** Renews every lease, lets go of the jobs that are another engine's, and takes those it holds without knowing. */
  renew(): Promise<void>
}

/**
 * Renewals are a concern of their own: nothing that is slow or broken elsewhere in the engine may cost it a lease.
 * @param deps.onLost called for a job that is another engine's now; it is let go already
 * @param deps.onFound called for a job that this engine claimed and does not hold
 */
export function createLeaseKeeper(
  lease: { claimedBy: string; leaseSeconds: number },
  deps: { db: Database; held: HeldJobs; onLost: (jobId: string) => void; onFound: (job: JobRow) => void; log: Logger },
): LeaseKeeper {
  const { db, held, log } = deps
  let unheldBefore = new Set<string>()

  async function letGoOfLost(missing: readonly { jobId: string; epoch: number }[]): Promise<void> {
    // Finished rows carry no lease: their objects are being removed, and they are let go then.
    const finished = new Set(
      await jobsWithoutRow(
        db,
        missing.map(({ jobId }) => jobId),
      ),
    )
    for (const { jobId, epoch } of missing) {
      if (finished.has(jobId) || held.epochOf(jobId) !== epoch) continue
      log.warn({ jobId, epoch }, 'lease lost')
      held.letGo(jobId)
      deps.onLost(jobId)
    }
  }

  /** Seen twice, so no claim's answer is still on its way: it was lost with its connection, and nobody else can have them. */
  async function takeUnheld(unheld: readonly { jobId: string }[]): Promise<void> {
    const again = unheld.filter(({ jobId }) => unheldBefore.has(jobId))
    unheldBefore = new Set(unheld.map(({ jobId }) => jobId))
    for (const { jobId } of again) {
      const job = await loadJob(db, jobId)
      if (job === null || job.dateFinished !== null || job.claimedBy !== lease.claimedBy) continue
      log.warn({ jobId, epoch: job.epoch }, 'held without knowing it')
      deps.onFound(job)
    }
  }

  return {
    async renew() {
      const before = held.snapshot()
      const renewed = await renewLeases(db, lease)
      const { missing, unheld } = compareLeases(before, renewed, (jobId) => held.epochOf(jobId) !== undefined)
      await letGoOfLost(missing)
      await takeUnheld(unheld)
    },
  }
}
