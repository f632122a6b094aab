import { insertJob, notifyJobs, requestStop } from '@c2d/operator-db'
import { sleep } from '@c2d/runtime'
import { buildChaosJob, type ChaosJob } from './chaos-job.ts'
import type { ChainState } from './chain-state.ts'
import { createChaosWorld, type ChaosWorld } from './chaos-world.ts'
import { countPublished } from './check-publishing.ts'
import { checkWorld, listLeft } from './check-world.ts'
import { inject, type InjectDeps } from './inject.ts'
import { withPatience } from './patience.ts'
import type { RestartablePostgres } from './restartable-postgres.ts'
import { buildSchedule, type Schedule, type SchedulePlan } from './schedule.ts'
import type { Violation } from './violation.ts'
import type { Witness } from './witness.ts'

/** How long nothing may be left over before a run counts as settled. */
const CALM_MS = 2_000
const LOOK_EVERY_MS = 100

/** How one run went. */
export interface RunReport {
  readonly schedule: Schedule
  readonly violations: readonly Violation[]
  /** For a run with violations: what the engines said last. */
  readonly diagnostics: string
  /** From the last fault until nothing was left, in milliseconds. */
  readonly settledAfterMs: number
  /** What was brought to the chain; null where nothing is published. */
  readonly published: { assets: number; transactions: number } | null
}

/**
 * One run: a fresh world, the jobs and faults of the seed's schedule, then peace, and the count. Bounded in time: what
 * has not settled by then is a violation.
 */
export async function runSeed(
  seed: number,
  plan: SchedulePlan,
  deps: { apps: string; postgres: RestartablePostgres; chainState: ChainState | null },
): Promise<RunReport> {
  const schedule = buildSchedule(seed, plan)
  const world = await createChaosWorld(schedule, { ...deps, executor: plan.executor ?? 'process' })
  const witness = world.place.watch()
  const jobs = schedule.jobs.map((job, index) => buildChaosJob(seed, index, job, world))
  try {
    for (const engine of world.engines) engine.start()
    const believed = await play(schedule, world, jobs, witness)
    await makePeace(world)
    const settledAfterMs = await settle(world, plan.settleMs)
    const violations = [...believed, ...(await withPatience(() => checkWorld(world, jobs, witness)))]
    const diagnostics = world.engines.map((engine, index) => `engine ${index}:\n${engine.lastWords()}`).join('\n')
    const published = world.publishing && (await withPatience(() => countPublished(world)))
    return { schedule, violations, diagnostics: violations.length > 0 ? diagnostics : '', settledAfterMs, published }
  } finally {
    await witness.close()
    await world.close()
  }
}

/** Lets the schedule happen; resolves when every part of it is over. */
async function play(
  schedule: Schedule,
  world: ChaosWorld,
  jobs: readonly ChaosJob[],
  witness: Witness,
): Promise<Violation[]> {
  const queues = { database: Promise.resolve(), chain: Promise.resolve(), place: Promise.resolve() }
  const oneByOne: InjectDeps['oneByOne'] = (what, act) => (queues[what] = queues[what].then(act))

  const faults = schedule.faults.map(async (fault) => {
    await sleep(fault.atMs)
    return inject(fault, { world, jobs, witness, oneByOne })
  })
  const users = jobs.map((job) => useJob(job, world))
  const believed = (await Promise.all(faults)).flat()
  await Promise.all(users)
  return believed.map((message): Violation => ({ kind: 'wrong', message }))
}

/** What a consumer does with a job: starts it, and perhaps asks to stop it. */
async function useJob(job: ChaosJob, { db }: ChaosWorld): Promise<void> {
  const { atMs, stopAtMs, isNotified } = job.scheduled
  await sleep(atMs)
  // The same request again is the same job: what a client does that lost the answer.
  await withPatience(() => insertJob(db, job.row))
  job.isQueued = true
  if (isNotified) await withPatience(() => notifyJobs(db))
  if (stopAtMs === null) return
  await sleep(stopAtMs - atMs)
  await withPatience(async () => {
    // Noted first: an answer that is lost may still have been a yes.
    job.isStopAsked = true
    await requestStop(db, { jobId: job.jobId })
    await notifyJobs(db)
  })
}

/** Undoes whatever a fault may have left: every engine runs and every wire passes. */
async function makePeace(world: ChaosWorld): Promise<void> {
  for (const network of world.networks) {
    network.delay(0)
    network.blackHole(false)
  }
  for (const engine of world.engines) {
    engine.thaw()
    engine.start()
  }
  await withPatience(() => world.db.raw('SELECT 1'))
}

/** Calm must last: an engine that was frozen as it acted may only now make what the other one has cleared away. */
async function settle(world: ChaosWorld, limitMs: number): Promise<number> {
  const startedAtMs = performance.now()
  let calmSinceMs: number | null = null
  for (;;) {
    const left = await withPatience(() => listLeft(world))
    const nowMs = performance.now()
    calmSinceMs = left.length > 0 ? null : (calmSinceMs ?? nowMs)
    const waitedMs = Math.round(nowMs - startedAtMs)
    if ((calmSinceMs !== null && nowMs - calmSinceMs >= CALM_MS) || waitedMs > limitMs) return waitedMs
    await sleep(LOOK_EVERY_MS)
  }
}
