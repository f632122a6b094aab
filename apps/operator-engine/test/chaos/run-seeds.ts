import { createChainState, type ChainState } from './chain-state.ts'
import { ENVIRONMENT_KEY } from './environments.ts'
import { runSeed, type RunReport } from './run-seed.ts'
import { startRestartablePostgres } from './restartable-postgres.ts'
import { PLANS, type SchedulePlan } from './schedule.ts'
import type { ViolationKind } from './violation.ts'

/** What `npm run chaos` prints as its last line (DESIGN §8). */
export interface ChaosSummary {
  runs: number
  lost: number
  doubled: number
  overlapped: number
  leaked: number
  /** All of them, those that have no count of their own too. */
  violations: number
}

/**
 * Runs seeds one after the other in one PostgreSQL.
 * @param options.seeds which, in order
 * @param options.plan how much is done in each run
 * @param options.apps the folder of the built services
 * @param deps.onReport called after each run
 * @param deps.signal no run begins after it fired
 */
export async function runSeeds(
  options: { seeds: readonly number[]; plan: keyof typeof PLANS; apps: string },
  deps: { onReport: (report: RunReport) => void; signal?: AbortSignal },
): Promise<ChaosSummary> {
  const plan: SchedulePlan = PLANS[options.plan]
  const postgres = await startRestartablePostgres()
  const summary: ChaosSummary = { runs: 0, lost: 0, doubled: 0, overlapped: 0, leaked: 0, violations: 0 }
  const count = (kind: ViolationKind): void => {
    summary.violations += 1
    if (kind !== 'wrong') summary[kind] += 1
  }
  let chainState: ChainState | null = null
  try {
    if (plan.isPublishing) chainState = await createChainState({ orders: plan.jobs, environmentKey: ENVIRONMENT_KEY })
    for (const seed of options.seeds) {
      if (deps.signal?.aborted) break
      const report = await runSeed(seed, plan, { apps: options.apps, postgres, chainState })
      summary.runs += 1
      for (const { kind } of report.violations) count(kind)
      deps.onReport(report)
    }
    return summary
  } finally {
    await chainState?.remove()
    await postgres.close()
  }
}
