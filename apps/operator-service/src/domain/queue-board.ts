import { JOB_STATUS } from '@c2d/contracts'
import { loadQueuePositions, type JobRow } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'

/** Where queued jobs stand. */
export interface QueueBoard {
  /**
   * The place of a job in the queue of its environment, from 1.
   * @returns null for a job that does not wait, or was queued after the board was written
   */
  positionOf(job: JobRow): Promise<number | null>
}

/**
 * Ranking a long queue costs milliseconds, and those who wait in it ask often: each environment is ranked once, for all
 * of them, and again when that is too old. So ten thousand who poll cost no more than one.
 * @param options.maxAgeMs how long a ranking is shown
 */
export function createQueueBoard(options: { maxAgeMs: number }, deps: { db: Database }): QueueBoard {
  const rankings = new Map<string, { atMs: number; positions: Promise<Map<string, number>> }>()

  function rankingOf(environment: string): Promise<Map<string, number>> {
    const known = rankings.get(environment)
    if (known && performance.now() - known.atMs < options.maxAgeMs) return known.positions
    const positions = loadQueuePositions(deps.db, environment)
    rankings.set(environment, { atMs: performance.now(), positions })
    // One that failed is nobody's answer twice.
    positions.catch(() => rankings.delete(environment))
    return positions
  }

  return {
    async positionOf(job) {
      if (job.status !== JOB_STATUS.warmingUp.code || job.dateFinished !== null) return null
      return (await rankingOf(job.environment)).get(job.jobId) ?? null
    },
  }
}
