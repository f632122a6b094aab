/** A job as an engine holds it. */
export interface HeldJob {
  jobId: string
  /** The claim it is held with (DESIGN §4.11). */
  epoch: number
}

/**
 * The jobs this engine believes it holds. A belief only: every write is fenced by the epoch, and the leases tell when
 * it is wrong.
 */
export interface HeldJobs {
  hold(job: HeldJob): void
  letGo(jobId: string): void
  /** The epoch a job is held with; undefined when it is not. */
  epochOf(jobId: string): number | undefined
  /** What is held now, by job id; does not change afterwards. */
  snapshot(): ReadonlyMap<string, HeldJob>
}

/** Holds nothing at first. */
export function createHeldJobs(): HeldJobs {
  const jobs = new Map<string, HeldJob>()
  return {
    hold: ({ jobId, epoch }) => void jobs.set(jobId, { jobId, epoch }),
    letGo: (jobId) => void jobs.delete(jobId),
    epochOf: (jobId) => jobs.get(jobId)?.epoch,
    snapshot: () => new Map(jobs),
  }
}
