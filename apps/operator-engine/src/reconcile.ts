import type { EnvironmentConfig } from './config.ts'
import { apply, type ApplyDeps } from './apply.ts'
import { decide } from './decide.ts'
import type { PassResult } from './loop.ts'
import { observe } from './observe.ts'

export interface ReconcileDeps extends Omit<ApplyDeps, 'environment'> {
  environments: ReadonlyMap<string, EnvironmentConfig>
  /** The epoch this engine holds a job with; undefined when it holds it no more. */
  epochOf: (jobId: string) => number | undefined
}

/**
 * One pass over one job: observe, decide, apply, and say when to look again (DESIGN §3). A job whose epoch moved on
 * belongs to another engine: it is dropped and not touched (DESIGN §4.11).
 */
export async function reconcile(jobId: string, deps: ReconcileDeps): Promise<PassResult> {
  const epoch = deps.epochOf(jobId)
  if (epoch === undefined) return { next: 'drop' }
  const observed = await observe(jobId, deps.environments, deps)
  if (observed === null || observed.job.epoch !== epoch) return { next: 'drop' }
  const environment = deps.environments.get(observed.job.environment)
  if (!environment) return { next: 'drop' }

  const applied = await apply(decide(observed, deps.nowMs()), observed, { ...deps, environment })
  switch (applied.next) {
    case 'again':
    case 'lost': // either the row moved under us (a report), or it is not ours: the next pass tells which
      return { next: 'again' }
    case 'wait':
      return applied
    case 'gone':
      return { next: 'drop' }
  }
}
