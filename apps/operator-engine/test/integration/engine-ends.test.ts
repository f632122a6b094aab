import { randomUUID } from 'node:crypto'
import { access, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Step } from '@c2d/contracts'
import { countAttempts, listEnvironments, listEvents, notifyJobs, requestStop, type JobRow } from '@c2d/operator-db'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { waitUntil } from './executor-conformance.ts'
import { createEngineWorld, type EngineWorld } from './support/engine-world.ts'

const isFinished = (job: JobRow): boolean => job.dateFinished !== null
const isRunning = (job: JobRow): boolean => job.status === 40
const SLEEPER = `console.log('asleep'); setTimeout(() => {}, 60_000)`
const QUICK = `require('fs').writeFileSync('/data/outputs/made', 'made')`

let world: EngineWorld
beforeEach(async () => {
  world = await createEngineWorld()
})
afterEach(() => world.close())

const stop = async (jobId: string): Promise<void> => {
  await requestStop(world.db, { jobId })
  await notifyJobs(world.db)
}
const attemptsOf = (jobId: string, step: Step): Promise<number> => countAttempts(world.db, { jobId, step })
const isGone = (path: string): Promise<boolean> =>
  access(path).then(
    () => false,
    () => true,
  )

describe('every end has a reason', () => {
  it('a stop in the queue ends the job without provisioning it, although no slot is free', async () => {
    await world.startEngine(world.environment({ maxJobs: 1 }))
    const running = await world.queueJob(SLEEPER)
    await world.waitForJob(running, isRunning)
    const queued = await world.queueJob(QUICK)
    const waiting = await world.queueJob(QUICK)
    await stop(queued)
    const job = await world.waitForJob(queued, isFinished)
    expect(job).toMatchObject({ status: 70, reason: 'Stopped', stopRequest: 1, outputs: null })
    expect(await attemptsOf(queued, 'configure')).toBe(0)
    expect(await readdir(world.workspaces)).not.toContain(queued)
    expect(await world.waitForJob(waiting, () => true)).toMatchObject({ status: 1 })
    expect(await world.waitForJob(running, () => true)).toMatchObject({ status: 40 })
  })

  it('a stop before an engine is there, while it configures, and as the algorithm starts', async () => {
    const jobIds = await Promise.all(Array.from({ length: 6 }, () => world.queueJob(SLEEPER)))
    await stop(jobIds[0] ?? '')
    await world.startEngine(world.environment({ maxJobs: 6 }))
    const at = [20, 20, 20, 30, 40]
    await Promise.all(
      jobIds.slice(1).map(async (jobId, nth) => {
        await world.waitForJob(jobId, (job) => job.status >= (at[nth] ?? 0))
        await stop(jobId)
      }),
    )
    for (const jobId of jobIds) {
      expect(await world.waitForJob(jobId, isFinished)).toMatchObject({ status: 70, reason: 'Stopped', stopRequest: 1 })
    }
  })

  it('a job that waits longer than its environment lets it', async () => {
    await world.startEngine(world.environment({ maxJobs: 1, maxQueueSeconds: 1 }))
    const running = await world.queueJob(SLEEPER)
    await world.waitForJob(running, isRunning)
    const queued = await world.queueJob(QUICK)
    expect(await world.waitForJob(queued, isFinished)).toMatchObject({ status: 70, reason: 'QueueTimedOut', epoch: 0 })
    expect(await world.waitForJob(running, () => true)).toMatchObject({ status: 40 })
  })

  it('a job that is not paid for any longer while it waits for a slot', async () => {
    await world.startEngine(world.environment({ maxJobs: 1 }))
    const running = await world.queueJob(SLEEPER)
    await world.waitForJob(running, isRunning)
    const queued = await world.queueJob(QUICK, { validUntil: Math.floor(Date.now() / 1000) + 2 })
    expect(await world.waitForJob(queued, isFinished)).toMatchObject({
      ...{ status: 70, reason: 'TimedOut', stopRequest: 2, epoch: 0, outputs: null },
    })
    expect(await world.waitForJob(running, () => true)).toMatchObject({ status: 40 })
  })

  it('a job that is not paid for any longer when it is claimed is not provisioned', async () => {
    await world.startEngine()
    const jobId = await world.queueJob(QUICK, { validUntil: Math.floor(Date.now() / 1000) - 1 })
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: 'TimedOut', stopRequest: 2, outputs: null })
    expect(await attemptsOf(jobId, 'configure')).toBe(0)
  })

  it('time limits hold for each of many jobs that use up the machine', async () => {
    const engine = await world.startEngine(world.environment({ maxJobs: 20, maxJobDuration: 2 }))
    const jobIds = await Promise.all(Array.from({ length: 20 }, () => world.queueJob('for (;;) {}')))
    for (const jobId of jobIds) {
      expect(await world.waitForJob(jobId, isFinished, 120_000)).toMatchObject({ reason: 'TimedOut', stopRequest: 2 })
    }
    // By the engine: the backstop of each step is for machines on which no engine comes to its turn.
    const decided = /"jobId":"([0-9a-f]{32})"[^\n]*"do":"stop","step":"algorithm"[^\n]*"reason":"TimedOut"/g
    const stopped = [...engine.output().matchAll(decided)].map(([, jobId]) => jobId)
    expect(jobIds.filter((jobId) => stopped.includes(jobId))).not.toEqual([])
  }, 150_000)

  it.each([
    ['OutOfMemory', { ramGB: 0.1 }, `const kept = []; setInterval(() => kept.push(Buffer.alloc(20e6, 1)), 10)`],
    [
      'WorkspaceFull',
      { diskGB: 0.02 },
      `setInterval(() => require('fs').appendFileSync('/data/outputs/big', Buffer.alloc(1e6)), 5)`,
    ],
  ])('an algorithm that takes more than its share: %s, and its log is kept', async (reason, limits, source) => {
    await world.startEngine(world.environment(limits))
    const jobId = await world.queueJob(`console.log('begun'); ${source}`)
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason })
    expect(await world.resultText(job, 'algorithm.log')).toContain('begun')
  })

  it('a fault of ours, again and again: the job ends, and gives its slot back', async () => {
    const jobId = await world.queueJob(QUICK)
    await mkdir(join(world.workspaces, jobId), { recursive: true })
    await writeFile(join(world.workspaces, jobId, 'data'), 'in the way of its workspace')
    await world.startEngine(world.environment({ maxJobs: 1 }))
    expect(await world.waitForJob(jobId, isFinished, 50_000)).toMatchObject({
      ...{ status: 70, reason: 'InternalError', outputs: null },
    })
    const next = await world.waitForJob(await world.queueJob(QUICK), isFinished)
    expect(next).toMatchObject({ status: 70, reason: null })
    await waitUntil(() => isGone(join(world.workspaces, jobId)))
  }, 90_000)

  it('says when each step began and ended', async () => {
    await world.startEngine()
    const jobId = await world.queueJob(QUICK)
    await world.waitForJob(jobId, isFinished)
    const events = await listEvents(world.db, jobId)
    const step = { attempt: 1, startedAtMs: expect.any(Number), endedAtMs: expect.any(Number) }
    expect(events.find(({ what }) => what === 'publishing')?.detail).toMatchObject({
      from: 'running',
      step: { name: 'algorithm', ...step },
    })
    expect(events.find(({ what }) => what === 'finished')?.detail).toMatchObject({
      steps: { configure: step, algorithm: step, publish: step },
    })
  })
})

describe('results that cannot be stored', () => {
  it('are tried again, and the job says nothing of it once they are', async () => {
    await writeFile(world.resultsFolder, 'in the way')
    await world.startEngine()
    const jobId = await world.queueJob(QUICK)
    await waitUntil(async () => (await attemptsOf(jobId, 'publish')) >= 2, 60_000)
    await rm(world.resultsFolder)
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0 })
    expect(await world.resultText(job, 'made')).toBe('made')
    expect(await attemptsOf(jobId, 'algorithm')).toBe(1)
    const again = (await listEvents(world.db, jobId)).find(({ what }) => what === 'retried')
    expect(again?.detail).toEqual({ step: 'publish', attempt: 2, reason: expect.stringMatching(/^exit code/) })
  }, 120_000)

  it('end the job with a reason after three attempts; outputs wait for a while, the data does not', async () => {
    await writeFile(world.resultsFolder, 'in the way')
    await world.startEngine({ KEEP_FAILED_SECONDS: '12' })
    const jobId = await world.queueJob(QUICK)
    const job = await world.waitForJob(jobId, isFinished, 120_000)
    expect(job).toMatchObject({ status: 70, reason: 'PublishFailed', exitCode: 0 })
    expect(await attemptsOf(jobId, 'publish')).toBe(3)
    const data = join(world.workspaces, jobId, 'data')
    await waitUntil(async () => (await readdir(join(data, 'inputs'))).length === 0)
    expect(await readdir(join(data, 'outputs'))).toEqual(['made'])
    expect(await readdir(join(data, 'transformations'))).toEqual([])
    await waitUntil(() => isGone(data), 60_000)
  }, 240_000)
})

describe('results that were kept as long as they should be', () => {
  it('are removed, and the timeline says so', async () => {
    await world.startEngine(world.environment({ storageExpiry: 2 }))
    const jobId = await world.queueJob(QUICK)
    const job = await world.waitForJob(jobId, isFinished)
    expect(job.outputs?.length).toBeGreaterThan(0)
    const gone = await world.waitForJob(jobId, ({ outputs }) => outputs?.every(({ expired }) => expired) ?? false)
    expect(gone.outputs?.map(({ url }) => url)).toEqual(job.outputs?.map(() => '')) // a record is left, and no address
    expect(await readdir(world.resultsFolder)).not.toContain(jobId)
    expect(await world.eventsOf(jobId)).toContain('resultsExpired')
  })
})

describe('what is announced', () => {
  it('counts the jobs of every engine that serves the environment', async () => {
    const serve = { ...world.environment({ maxJobs: 2 }), LEASE_SECONDS: '60' }
    const first = await world.startEngine(serve)
    const jobIds = [await world.queueJob(SLEEPER), await world.queueJob(SLEEPER)]
    for (const jobId of jobIds) await world.waitForJob(jobId, isRunning)
    first.process.kill('SIGSTOP') // its jobs are its own still, and it announces nothing
    await world.db('envs').delete()
    await world.startEngine(serve)
    const announced = () => listEnvironments(world.db, { maxAgeSeconds: 60 })
    await waitUntil(async () => (await announced()).length === 1)
    expect(await announced()).toMatchObject([{ currentJobs: 2, maxJobs: 2 }])
  })

  it('counts the jobs of each environment by itself', async () => {
    const [settings] = JSON.parse(world.environment({}).ENVIRONMENTS) as [{ id: string }]
    await world.startEngine({ ENVIRONMENTS: JSON.stringify([settings, { ...settings, id: `idle-${randomUUID()}` }]) })
    await world.waitForJob(await world.queueJob(SLEEPER), isRunning)
    const counts = async (): Promise<number[]> =>
      (await listEnvironments(world.db, { maxAgeSeconds: 60 })).map(({ currentJobs }) => currentJobs)
    await waitUntil(async () => (await counts()).includes(1))
    expect((await counts()).toSorted()).toEqual([0, 1])
  })
})
