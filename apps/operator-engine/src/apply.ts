import { JOB_STATUS, type Step, type StepReport } from '@c2d/contracts'
import { advanceJob, finishJob, loadJob, recordAttempt, recordOutcome, registerStepToken } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import type { EnvironmentConfig } from './config.ts'
import type { DeliverySchedule } from './deliveries/decide-next.ts'
import { endsAsFinished, type Decision, type Observed, type Outcome } from './decide.ts'
import type { Executor, StepSpec } from './executor/executor.ts'
import type { NotificationQueue } from './notifications/notification-queue.ts'
import { buildAlgorithmStep } from './steps/algorithm-step.ts'
import { buildDownloads } from './steps/download-grants.ts'
import { POD_MAX_SECONDS, buildConfigureStep, buildPublishStep, type PodProgram } from './steps/pod-steps.ts'
import { describeStep, describeSteps } from './steps/step-record.ts'
import { buildStepToken } from './steps/step-token.ts'

export interface ApplyDeps {
  db: Database
  executor: Executor
  notifications: NotificationQueue
  environment: EnvironmentConfig
  pods: { configure: PodProgram; publish: PodProgram }
  /** Connection string of the role pods report as. */
  podDatabaseUrl: string
  deliveries: DeliverySchedule
  /** Who writes: this engine's name in events. */
  by: string
  nowMs: () => number
}

/** How a decision went: done and look again, lost to another engine, or nothing to do until then. */
export type Applied = { next: 'again' } | { next: 'lost' } | { next: 'wait'; untilMs: number | null } | { next: 'gone' }

/**
 * Carries out one decision. Every action is idempotent: a pass may be cut anywhere and repeated. Before each action on
 * the executor the claim is looked at again, since an engine that was suspended after its decision is stale by now;
 * what is then left of the race, the executor's attempts decide (DESIGN §4.11).
 */
export async function apply(decision: Decision, observed: Observed, deps: ApplyDeps): Promise<Applied> {
  const { job } = observed
  const { jobId, epoch } = job
  switch (decision.do) {
    case 'start':
      return start(decision.step, decision.attempt, observed, deps)
    case 'stop':
      if (!(await isStillOurs(observed, deps))) return { next: 'lost' }
      await deps.executor.stop(jobId, decision.step, decision.reason, decision.attempt)
      // What is under way ends in its own time, and says so; what never began is over at once.
      return isUnderWay(observed, decision.step) ? { next: 'wait', untilMs: null } : { next: 'again' }
    case 'advance': {
      if (!(await record(observed, decision.outcome, deps))) return { next: 'lost' }
      const { from, to, outcome } = decision
      const detail = describeStep(observed.steps, JOB_STATUS[from].step)
      const moved = await advanceJob(deps.db, {
        jobId,
        epoch,
        from,
        to,
        by: deps.by,
        detail,
        ...reasonAndCode(outcome),
      })
      return { next: moved ? 'again' : 'lost' }
    }
    case 'finish': {
      if (!(await record(observed, decision.outcome, deps))) return { next: 'lost' }
      const ended = await finishJob(deps.db, {
        jobId,
        epoch,
        by: deps.by,
        detail: describeSteps(observed.steps, deps.nowMs()),
        resultsKeptSeconds: deps.environment.storageExpiry,
        redeliverInSeconds: deps.deliveries.firstPauseSeconds,
        notification: deps.notifications.owedOf('stop', job, deps.environment),
        ...(endsAsFinished(decision.from) ? { to: 'finished' as const } : {}),
      })
      if (!ended) return { next: 'lost' }
      deps.notifications.hurry()
      return { next: 'again' }
    }
    case 'keep':
      if (!(await isStillOurs(observed, deps))) return { next: 'lost' }
      await deps.executor.discardInputs(jobId)
      return { next: 'gone' } // the sweep looks at it from now on
    case 'remove':
      if (!(await isStillOurs(observed, deps))) return { next: 'lost' }
      await deps.executor.remove(jobId)
      return { next: 'gone' }
    case 'wait':
      return job.dateFinished === null ? { next: 'wait', untilMs: decision.untilMs } : { next: 'gone' }
  }
}

async function start(step: Step, attempt: number, observed: Observed, deps: ApplyDeps): Promise<Applied> {
  const { jobId, epoch } = observed.job
  // Counts the attempt for the operator, and is the look at the claim: nothing is counted for a stale one.
  const reason = attempt > 1 ? endReasonOf(observed, step) : undefined
  if ((await recordAttempt(deps.db, { jobId, step, epoch, attempt, reason })) === 0) return { next: 'lost' }
  if (step === 'configure' && attempt === 1) {
    await deps.notifications.enqueue('start', observed.job, deps.environment, deps.db)
    deps.notifications.hurry()
  }
  if (!observed.prepared) await deps.executor.prepare(jobId, deps.environment.id, { epoch, by: deps.by })
  const spec = await buildSpec(step, attempt, observed, deps)
  if (!spec) return { next: 'lost' }
  await deps.executor.start(jobId, step, spec, attempt)
  return { next: 'again' }
}

async function buildSpec(step: Step, attempt: number, observed: Observed, deps: ApplyDeps): Promise<StepSpec | null> {
  const { job } = observed
  if (!job.workflow) throw new Error(`job ${job.jobId} has no readable workflow`)
  switch (step) {
    case 'algorithm':
      return buildAlgorithmStep(job.workflow, deps.environment, job.validUntil, deps.nowMs())
    case 'configure': {
      const report = await registerReport(step, attempt, observed, deps)
      if (!report) return null
      const nowMs = deps.nowMs()
      const expiresAt = Math.floor(nowMs / 1000) + POD_MAX_SECONDS.configure
      const downloads = buildDownloads(job.jobId, job.workflow, deps.environment, { expiresAt, nowMs })
      return buildConfigureStep(
        { jobId: job.jobId, workflow: job.workflow, report, downloads },
        deps.environment,
        deps.pods.configure,
      )
    }
    case 'publish': {
      const report = await registerReport(step, attempt, observed, deps)
      return report
        ? buildPublishStep({ jobId: job.jobId, workflow: job.workflow, report }, deps.environment, deps.pods.publish)
        : null
    }
    case 'filter':
      throw new Error('no filter step is configured')
  }
}

async function registerReport(
  step: Step,
  attempt: number,
  { job }: Observed,
  deps: ApplyDeps,
): Promise<StepReport | null> {
  const token = buildStepToken(deps.environment.privateKey, { jobId: job.jobId, step, attempt })
  const registered = await registerStepToken(deps.db, { jobId: job.jobId, step, epoch: job.epoch, token })
  return registered ? { databaseUrl: deps.podDatabaseUrl, token } : null
}

async function isStillOurs({ job }: Observed, { db }: ApplyDeps): Promise<boolean> {
  return (await loadJob(db, job.jobId))?.epoch === job.epoch
}

function isUnderWay({ steps }: Observed, step: Step): boolean {
  const { phase } = steps[step]
  return phase === 'waiting' || phase === 'running'
}

function endReasonOf({ steps }: Observed, step: Step): string {
  const state = steps[step]
  if (state.phase !== 'ended') return state.phase
  return state.reason ?? `exit code ${state.exitCode}`
}

/** The outcome is kept before the status moves: a crash in between repeats it, never loses it. */
async function record({ job }: Observed, outcome: Outcome | undefined, deps: ApplyDeps): Promise<boolean> {
  if (!outcome) return true
  const { stopRequest, isolation } = outcome
  return recordOutcome(deps.db, {
    jobId: job.jobId,
    epoch: job.epoch,
    ...reasonAndCode(outcome),
    ...(stopRequest === undefined ? {} : { stopRequest }),
    ...(isolation === undefined ? {} : { isolation }),
  })
}

function reasonAndCode(outcome: Outcome | undefined) {
  return {
    ...(outcome?.reason ? { reason: outcome.reason } : {}),
    ...(outcome?.exitCode == null ? {} : { exitCode: outcome.exitCode }),
  }
}
