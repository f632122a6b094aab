import { STEPS, type Step, type StepReport } from '@c2d/contracts'
import { advanceJob, finishJob, recordOutcome, registerStepToken } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import type { EnvironmentConfig } from './config.ts'
import { endsAsFinished, type Decision, type Observed, type Outcome } from './decide.ts'
import type { Executor, StepSpec } from './executor/executor.ts'
import { buildAlgorithmStep } from './steps/algorithm-step.ts'
import { buildDownloads } from './steps/download-grants.ts'
import { buildStepToken } from './steps/step-token.ts'
import { POD_MAX_SECONDS, buildConfigureStep, buildPublishStep, type PodProgram } from './steps/pod-steps.ts'

export interface ApplyDeps {
  db: Database
  executor: Executor
  environment: EnvironmentConfig
  pods: { configure: PodProgram; publish: PodProgram }
  /** Connection string of the role pods report as. */
  podDatabaseUrl: string
  /** Who writes: this engine's name in events. */
  by: string
  nowMs: () => number
}

/** How a decision went: done and look again, lost to another engine, or nothing to do until then. */
export type Applied = { next: 'again' } | { next: 'lost' } | { next: 'wait'; untilMs: number | null } | { next: 'gone' }

/** Carries out one decision. Every action is idempotent: a pass may be cut anywhere and repeated (DESIGN §4.11). */
export async function apply(decision: Decision, observed: Observed, deps: ApplyDeps): Promise<Applied> {
  const { jobId, epoch } = observed.job
  switch (decision.do) {
    case 'start':
      return start(decision.step, observed, deps)
    case 'stop':
      await deps.executor.stop(jobId, decision.step, decision.reason)
      return { next: 'wait', untilMs: null }
    case 'advance': {
      if (!(await record(observed, decision.outcome, deps))) return { next: 'lost' }
      const { from, to, outcome } = decision
      const moved = await advanceJob(deps.db, { jobId, epoch, from, to, by: deps.by, ...reasonAndCode(outcome) })
      return { next: moved ? 'again' : 'lost' }
    }
    case 'finish': {
      if (!(await record(observed, decision.outcome, deps))) return { next: 'lost' }
      const to = endsAsFinished(decision.from) ? { to: 'finished' as const } : {}
      const detail = { stepMs: stepLifetimesMs(observed.steps) }
      const ended = await finishJob(deps.db, { jobId, epoch, by: deps.by, detail, ...to })
      return { next: ended ? 'again' : 'lost' }
    }
    case 'remove':
      await deps.executor.remove(jobId)
      return { next: 'gone' }
    case 'wait':
      return observed.job.dateFinished === null ? { next: 'wait', untilMs: decision.untilMs } : { next: 'gone' }
  }
}

async function start(step: Step, observed: Observed, deps: ApplyDeps): Promise<Applied> {
  const { jobId } = observed.job
  if (!observed.prepared) await deps.executor.prepare(jobId)
  const spec = await buildSpec(step, observed, deps)
  if (!spec) return { next: 'lost' }
  await deps.executor.start(jobId, step, spec)
  return { next: 'again' }
}

async function buildSpec(step: Step, observed: Observed, deps: ApplyDeps): Promise<StepSpec | null> {
  const { job } = observed
  if (!job.workflow) throw new Error(`job ${job.jobId} has no readable workflow`)
  switch (step) {
    case 'algorithm':
      return buildAlgorithmStep(job.workflow, deps.environment)
    case 'configure': {
      const report = await registerReport(step, observed, deps)
      if (!report) return null
      const expiresAt = Math.floor(deps.nowMs() / 1000) + POD_MAX_SECONDS.configure
      const downloads = buildDownloads(job.jobId, job.workflow, deps.environment, expiresAt)
      return buildConfigureStep(
        { jobId: job.jobId, workflow: job.workflow, report, downloads },
        deps.environment,
        deps.pods.configure,
      )
    }
    case 'publish': {
      const report = await registerReport(step, observed, deps)
      return report ? buildPublishStep({ jobId: job.jobId, report }, deps.environment, deps.pods.publish) : null
    }
    case 'filter':
      throw new Error('no filter step is configured')
  }
}

async function registerReport(step: Step, { job }: Observed, deps: ApplyDeps): Promise<StepReport | null> {
  const token = buildStepToken(deps.environment.privateKey, job.jobId, step)
  const registered = await registerStepToken(deps.db, { jobId: job.jobId, step, epoch: job.epoch, token })
  return registered ? { databaseUrl: deps.podDatabaseUrl, token } : null
}

/** The outcome is kept before the status moves: a crash in between repeats it, never loses it. */
async function record({ job }: Observed, outcome: Outcome | undefined, deps: ApplyDeps): Promise<boolean> {
  if (!outcome) return true
  const { stopRequest } = outcome
  return recordOutcome(deps.db, {
    jobId: job.jobId,
    epoch: job.epoch,
    ...reasonAndCode(outcome),
    ...(stopRequest === undefined ? {} : { stopRequest }),
  })
}

/** How long each step that ran lived, in milliseconds; the rest of a job's time is ours. */
function stepLifetimesMs(steps: Observed['steps']): Partial<Record<Step, number>> {
  const lifetimes: Partial<Record<Step, number>> = {}
  for (const step of STEPS) {
    const state = steps[step]
    if (state.phase === 'ended') lifetimes[step] = state.endedAt.getTime() - state.startedAt.getTime()
  }
  return lifetimes
}

function reasonAndCode(outcome: Outcome | undefined) {
  return {
    ...(outcome?.reason ? { reason: outcome.reason } : {}),
    ...(outcome?.exitCode == null ? {} : { exitCode: outcome.exitCode }),
  }
}
