import { JOB_STATUS, type JobEvent, type Reason } from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'
import { FAILING_CODE } from './algorithm-source.ts'
import type { ChaosJob } from './chaos-job.ts'
import type { Violation, ViolationKind } from './violation.ts'
import type { SeenRun } from './witness.ts'

/** All that is known of a job when the dust has settled. */
export interface JobEvidence {
  readonly job: ChaosJob
  readonly row: JobRow | null
  readonly events: readonly JobEvent[]
  readonly runs: readonly SeenRun[]
}

/** What is said of a job after its end, whenever it is done. */
const AFTERWARDS = ['proven', 'transaction', 'anchored', 'assetPublished', 'assetRefused']

/** Holds one job against what every job must be, whatever was done to it. Pure. */
export function checkJob({ job, row, events, runs }: JobEvidence): Violation[] {
  const found: Violation[] = []
  const say = (kind: ViolationKind, what: string): void => {
    found.push({ kind, message: `job ${job.jobId} (${job.scheduled.behaviour}): ${what}` })
  }
  if (!row || row.dateFinished === null) {
    say('lost', row ? `is still ${row.statusText.trim()}, epoch ${row.epoch}` : 'has no row')
    return found
  }

  const count = (what: string): number => events.filter((event) => event.what === what).length
  if (count('finished') !== 1) say('doubled', `ended ${count('finished')} times`)
  if (count('claimed') !== 1) say('doubled', `was claimed ${count('claimed')} times`)
  if (count('proven') !== 1) say(count('proven') > 1 ? 'doubled' : 'lost', `was proven ${count('proven')} times`)
  const last = events.findLast(({ what }) => !AFTERWARDS.includes(what))?.what
  if (last !== 'finished') say('wrong', `has the event ${last} after its end`)
  if (row.epoch !== 1 + count('adopted')) say('wrong', `has epoch ${row.epoch} after ${count('adopted')} adoptions`)
  for (const what of ['provisioned', 'running', 'publishing', 'inputFailed'])
    if (count(what) > 1) say('doubled', `was ${what} ${count(what)} times`)
  // Publishing is tried again after a failure, and says anew where everything is.
  const publishKills = job.killed.filter(({ step }) => step === 'publish').length
  if (count('outputs') > 1 + publishKills) say('doubled', `told its outputs ${count('outputs')} times`)

  // Only the engine retries, once, and only what was taken away before its end (DESIGN §4.12).
  const mayRetry = job.killed.some(({ step }) => step === 'algorithm')
  if (runs.length > (mayRetry ? 2 : 1)) say('doubled', `its algorithm began ${runs.length} times`)
  if (runs.filter((run) => run.isDone).length > 1) say('doubled', 'its algorithm ran to its end more than once')
  if (runs.some((run) => run.hasOverlapped) || hasOverlap(runs))
    say('overlapped', `its algorithm met itself: ${JSON.stringify(runs)}`)

  const outcome = `status ${row.status}, reason ${row.reason}, exit code ${row.exitCode}`
  if (!listAllowed(job).some((allowed) => fits(allowed, row)))
    say('wrong', `ended with ${outcome}, although ${describeDeeds(job)}; ${describeTimeline(events)}`)
  if (row.reason === null && (row.exitCode !== 0 || !runs.some((run) => run.isDone)))
    say('wrong', `is said to be good, but its algorithm did not run to its end: ${outcome}`)
  return found
}

interface Ending {
  status: number
  reason: Reason | null
  exitCode?: number
}

/** How a job may end: by its own nature, and by what was really done to it. */
function listAllowed({ scheduled, isStopAsked, killed }: ChaosJob): Ending[] {
  const finished = JOB_STATUS.finished.code
  const inputFailed = JOB_STATUS.inputFailed.code
  const natural: Record<typeof scheduled.behaviour, Ending> = {
    short: { status: finished, reason: null, exitCode: 0 },
    failing: { status: finished, reason: 'AlgorithmFailed', exitCode: FAILING_CODE },
    overtime: { status: finished, reason: 'TimedOut' },
    missingInput: { status: inputFailed, reason: 'InputFetchFailed' },
  }
  const allowed: Ending[] = [natural[scheduled.behaviour]]
  if (isStopAsked) allowed.push({ status: finished, reason: 'Stopped' })
  for (const { step } of killed) {
    for (const reason of ['StepLost', 'Evicted'] as const) {
      if (step === 'configure') allowed.push({ status: inputFailed, reason })
      if (step === 'algorithm') allowed.push({ status: finished, reason })
    }
    if (step === 'publish') allowed.push({ status: finished, reason: 'PublishFailed' })
  }
  return allowed
}

function fits(allowed: Ending, row: JobRow): boolean {
  return (
    row.status === allowed.status &&
    row.reason === allowed.reason &&
    (allowed.exitCode === undefined || row.exitCode === allowed.exitCode)
  )
}

function hasOverlap(runs: readonly SeenRun[]): boolean {
  const inOrder = [...runs].sort((one, other) => one.begunMs - other.begunMs)
  return inOrder.some((run, index) => index > 0 && run.begunMs < (inOrder[index - 1]?.lastMs ?? 0))
}

function describeDeeds({ isStopAsked, killed }: ChaosJob): string {
  const deeds = killed.map(({ step, what }) => `the ${what} of ${step} was killed`)
  if (isStopAsked) deeds.push('it was asked to stop')
  return deeds.length === 0 ? 'nothing was done to it' : deeds.join(' and ')
}

function describeTimeline(events: readonly JobEvent[]): string {
  const startMs = events[0]?.atMs ?? 0
  return events.map(({ what, atMs }) => `${what} +${Math.round(atMs - startMs)}`).join(', ')
}
