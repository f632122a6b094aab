import { loadJob } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import type { EnvironmentConfig } from './config.ts'
import type { Observed } from './decide.ts'
import type { Executor } from './executor/executor.ts'

export interface ObserveDeps {
  db: Database
  executor: Executor
  environments: ReadonlyMap<string, EnvironmentConfig>
  /** Seconds that outputs which could not be published are kept. */
  keepFailedSeconds: number
}

/**
 * Reads the world for one job: first what the executor holds, then the row. In this order a step seen as ended has
 * its report in the row that is read after it; the other way round a report could slip in between and look missing.
 * @returns null when the row is gone
 */
export async function observe(
  jobId: string,
  deps: ObserveDeps,
): Promise<{ observed: Observed; environment: EnvironmentConfig } | null> {
  const { prepared, steps } = await deps.executor.observe(jobId)
  const job = await loadJob(deps.db, jobId)
  if (!job) return null
  const environment = deps.environments.get(job.environment)
  if (!environment) throw new Error(`job ${jobId} names the environment ${job.environment}, which is not served here`)
  const { keepFailedSeconds } = deps
  const maxDurationSeconds = environment.maxJobDuration
  const startsAlgorithmEarly = deps.executor.algorithmWaitsForStaging === true
  const endsShowLate = deps.executor.endsShowLate === true
  return {
    observed: { job, prepared, steps, maxDurationSeconds, keepFailedSeconds, startsAlgorithmEarly, endsShowLate },
    environment,
  }
}
