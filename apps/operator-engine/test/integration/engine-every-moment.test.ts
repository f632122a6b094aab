import { randomBytes } from 'node:crypto'
import { adoptJobs, claimJobs, insertJob, listEvents, loadJob, requestStop, MIGRATIONS } from '@c2d/operator-db'
import { migrateToLatest, openDatabase, openListener, type Database } from '@c2d/postgres'
import { silentLogger, sleep } from '@c2d/runtime'
import { createTestDatabase, type TestDatabase } from '@c2d/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readConfig } from '../../src/config.ts'
import { createNotificationQueue } from '../../src/notifications/notification-queue.ts'
import { reconcile, type ReconcileDeps } from '../../src/reconcile.ts'
import { removeOrphans } from '../../src/sweeps/remove-orphans.ts'
import { buildStoredWorkflow } from '../../src/testing/build-job-row.ts'
import { Killed, interrupt, type Interruption } from './support/interruption.ts'
import { createModelExecutor, type ModelBehaviour } from './support/model-executor.ts'

const ENVIRONMENT = 'every-moment'
const [environment] = readConfig({
  DATABASE_URL: 'postgres://x',
  POD_DATABASE_URL: 'postgres://y',
  WORKSPACES_FOLDER: '/w',
  RESULTS_FOLDER: '/r',
  POD_CONFIGURATION_PROGRAM: 'c',
  POD_PUBLISHING_PROGRAM: 'p',
  ENVIRONMENTS: JSON.stringify([
    { id: ENVIRONMENT, privateKey: `0x${'01'.repeat(32)}`, maxJobs: 1_000, maxJobDuration: 3_600 },
  ]),
}).environments
const MOST_ACTIONS = 80
/** The engines' clock is ahead of the steps', so that no pause between attempts is waited for. */
const AHEAD_MS = 60_000

/** How a job goes when nobody is interrupted, and so also when somebody is. */
interface Scenario {
  behaviour: ModelBehaviour
  /** Asks to stop as soon as the algorithm is seen in this status of the job, or a later one. */
  stopAt?: number
  end: Record<string, unknown>
  /** How often its algorithm begins; a job that is stopped may never get there. */
  begun: readonly number[]
  /** How many steps are attempted again. */
  retried?: number
}

const WELL = { exitCode: 0, reason: null }
const LOST = { exitCode: null, reason: 'Evicted' } as const
const SCENARIOS: Record<string, Scenario> = {
  'a job that ends well': {
    behaviour: { algorithm: () => WELL },
    end: { status: 70, reason: null, exitCode: 0 },
    begun: [1],
  },
  'one whose algorithm waits for staging': {
    behaviour: { algorithm: () => WELL, algorithmWaitsForStaging: true },
    end: { status: 70, reason: null, exitCode: 0 },
    begun: [1],
  },
  'one whose algorithm fails': {
    behaviour: { algorithm: () => ({ exitCode: 3, reason: null }) },
    end: { status: 70, reason: 'AlgorithmFailed', exitCode: 3 },
    begun: [1],
  },
  'one that is evicted': {
    behaviour: { algorithm: (attempt) => (attempt === 1 ? LOST : WELL) },
    end: { status: 70, reason: null, exitCode: 0 },
    begun: [2],
    retried: 1,
  },
  'one whose results cannot be stored at first': {
    behaviour: { algorithm: () => WELL, publishes: (attempt) => (attempt < 3 ? 1 : 0) },
    end: { status: 70, reason: null, exitCode: 0, outputs: [expect.objectContaining({ filename: 'made' })] },
    begun: [1],
    retried: 2,
  },
  'one whose data cannot be had, with an algorithm that waits for it': {
    behaviour: { algorithm: () => WELL, stages: false, algorithmWaitsForStaging: true },
    end: { status: 31, reason: 'InputFetchFailed' },
    begun: [0],
  },
  'one whose image cannot be pulled': {
    behaviour: {
      ...{ algorithm: () => WELL, algorithmWaitsForStaging: true, stagingMs: 20 },
      neverRuns: 'ImagePullFailed',
    },
    end: { status: 70, reason: 'ImagePullFailed', exitCode: null },
    begun: [0],
  },
  'one that is stopped as it is configured': {
    behaviour: { algorithm: () => null, algorithmWaitsForStaging: true, stagingMs: 20 },
    stopAt: 20,
    end: { status: 70, reason: 'Stopped', stopRequest: 1 },
    begun: [0, 1],
  },
  'one that is stopped as it runs': {
    behaviour: { algorithm: () => null },
    stopAt: 40,
    end: { status: 70, reason: 'Stopped', stopRequest: 1 },
    begun: [0, 1],
  },
}

let database: TestDatabase
let db: Database
let pod: Awaited<ReturnType<typeof openListener>>
beforeAll(async () => {
  database = await createTestDatabase({
    template: 'operator',
    migrate: async (url) => {
      const template = openDatabase({ url, applicationName: 'template' })
      await migrateToLatest(template, MIGRATIONS)
      await template.destroy()
    },
  })
  db = openDatabase({ url: database.url, applicationName: 'every moment' })
  pod = await openListener({ url: database.url, applicationName: 'pods' })
})
afterAll(async () => {
  await pod.end()
  await db.destroy()
  await database.drop()
})

async function queueJob(): Promise<string> {
  const jobId = randomBytes(16).toString('hex')
  await insertJob(db, {
    ...{ jobId, agreementId: `0x${randomBytes(32).toString('hex')}`, owner: '0xowner', environment: ENVIRONMENT },
    ...{ workflow: buildStoredWorkflow(), chainId: 8996, validUntil: null, provider: '0xprovider' },
    requestKey: randomBytes(32).toString('hex'),
  })
  return jobId
}

/** One engine's passes over one job until it lets go of it. */
async function drive(jobId: string, epoch: number, deps: ReconcileDeps, stopAt?: number): Promise<void> {
  for (;;) {
    try {
      const { steps } = await deps.executor.observe(jobId)
      const { status = 0 } = (await loadJob(db, jobId)) ?? {}
      if (steps.algorithm.phase !== 'absent' && status >= (stopAt ?? Infinity)) await requestStop(db, { jobId })
      const { next } = await reconcile(jobId, epoch, deps)
      if (next === 'drop') return
      if (next === 'wait') await sleep(1)
    } catch (error) {
      if (error instanceof Killed) throw error
      await sleep(1) // a pass that failed is tried again
    }
  }
}

/** A row that a pod's report holds just then is passed over, and adopted the next time, as at an engine's next tick. */
async function adopt(jobId: string): Promise<readonly { epoch: number }[]> {
  for (;;) {
    const adoption = { environments: [ENVIRONMENT], claimedBy: 'second', leaseSeconds: 60, limit: 9 }
    const adopted = await adoptJobs(db, adoption)
    if (adopted.length > 0 || (await loadJob(db, jobId))?.dateFinished) return adopted
    await sleep(1)
  }
}

/** @returns what the first engine did; fewer actions than asked for means that nothing interrupted it */
async function run(scenario: Scenario, how: Interruption): Promise<string[]> {
  const executor = createModelExecutor(scenario.behaviour, {
    report: ({ text, values }) => pod.query(text, values),
  })
  const depsOf = (by: string, world: Pick<ReconcileDeps, 'db' | 'executor'>): ReconcileDeps => ({
    ...world,
    by,
    environments: new Map([[ENVIRONMENT, environment!]]),
    notifications: createNotificationQueue(
      { urls: { start: 'http://127.0.0.1:1/start', stop: 'http://127.0.0.1:1/stop' } },
      { onQueued: () => undefined },
    ),
    pods: { configure: { command: [], env: {} }, publish: { command: [], env: {} } },
    podDatabaseUrl: 'postgres://nowhere',
    nowMs: () => Date.now() + AHEAD_MS,
    keepFailedSeconds: 60,
    deliveries: { firstPauseSeconds: 60, limitSeconds: 3_600 },
    log: silentLogger,
  })
  const jobId = await queueJob()
  const lease = { claimedBy: 'first', leaseSeconds: 1e-6 } // anybody may have it at once
  const [claimed] = await claimJobs(db, { environment: ENVIRONMENT, maxJobs: 1_000, ...lease })
  if (claimed?.jobId !== jobId) throw new Error('another job was claimed')

  const world = interrupt({ db, executor }, how)
  const first = drive(jobId, claimed.epoch, depsOf('first', world), scenario.stopAt).catch((error: unknown) => {
    if (!(error instanceof Killed)) throw error
  })
  await Promise.race([first, world.interrupted])

  const second = depsOf('second', { db, executor })
  for (const { epoch } of await adopt(jobId)) await drive(jobId, epoch, second, scenario.stopAt)
  world.wake()
  await first
  await removeOrphans(() => false, second)

  const at = `${how.kind} ${how.where} action ${how.atAction} (${world.actions.at(how.atAction - 1)})`
  const job = await loadJob(db, jobId)
  const whats = (await listEvents(db, jobId)).map(({ what }) => what)
  const { rows } = await db.raw<{ rows: unknown[] }>(
    'SELECT 1 FROM step_tokens WHERE job_id = :jobId AND ended_at IS NULL',
    { jobId },
  )
  const told = await db('notifications').where({ job_id: jobId }).orderBy('kind').pluck('kind')
  const record = executor.recordOf(jobId)
  expect({
    at,
    job,
    finished: whats.filter((what) => what === 'finished').length,
    retried: whats.filter((what) => what === 'retried').length,
    last: whats.at(-1),
    wrong: record.wrong,
    isBegunAsOften: scenario.begun.includes(record.begun),
    left: await executor.list(),
    liveTokens: rows.length,
    told,
  }).toEqual({
    at,
    job: expect.objectContaining({ ...scenario.end, dateFinished: expect.any(String) }),
    retried: scenario.retried ?? 0,
    ...{ finished: 1, last: 'finished', wrong: [], isBegunAsOften: true, left: [], liveTokens: 0 },
    told: ['start', 'stop'],
  })
  return world.actions
}

describe.each(Object.entries(SCENARIOS))('%s', (_what, scenario) => {
  it.each([
    ['killed', 'before'],
    ['killed', 'after'],
    ['suspended', 'before'],
    ['suspended', 'after'],
  ] as const)(
    'behaviour: ends as it should, once, when its engine is %s %s any of its actions',
    async (kind, where) => {
      let atAction = 1
      while ((await run(scenario, { kind, where, atAction })).length >= atAction) {
        atAction += 1
        expect(atAction).toBeLessThan(MOST_ACTIONS)
      }
      expect(atAction).toBeGreaterThan(8)
    },
    120_000,
  )
})
