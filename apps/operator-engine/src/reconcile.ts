import { jobStatusName } from '@c2d/contracts'
import type { Logger } from '@c2d/runtime'
import { apply, type ApplyDeps } from './apply.ts'
import { buildNotes } from './build-notes.ts'
import { decide } from './decide.ts'
import type { PassResult } from './loop.ts'
import { observe, type ObserveDeps } from './observe.ts'

export interface ReconcileDeps extends Omit<ApplyDeps, 'environment'>, ObserveDeps {
  log: Logger
}

/**
 * One pass over one job: observe, decide, apply, and say when to look again (DESIGN §3). A job whose epoch moved on
 * belongs to another engine: it is dropped and not touched (DESIGN §4.11).
 * @param epoch the claim the caller holds; null for what a finished job left, which is anybody's to clear away
 */
export async function reconcile(jobId: string, epoch: number | null, deps: ReconcileDeps): Promise<PassResult> {
  const found = await observe(jobId, deps)
  if (found === null) return { next: 'drop' }
  const { observed, environment } = found
  const { job } = observed
  if (epoch === null && job.dateFinished === null) return { next: 'drop' }
  if (epoch !== null && job.epoch !== epoch) {
    deps.log.warn({ jobId, epoch, now: job.epoch }, 'lease lost')
    return { next: 'drop' }
  }

  if (epoch !== null) deps.executor.tell?.(jobId, { epoch, by: deps.by }, buildNotes(observed, deps.by))

  const decision = decide(observed, deps.nowMs())
  const applied = await apply(decision, observed, { ...deps, environment })
  // What is only waited for was decided when the wait began.
  if (decision.do !== 'wait' && (decision.do !== 'keep' || epoch !== null)) {
    const { do: what, ...rest } = decision
    deps.log.info(
      { jobId, epoch: job.epoch, from: jobStatusName(job.status), do: what, ...rest, then: applied.next },
      'decided',
    )
  }
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
