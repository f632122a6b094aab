import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { listEvents, notifyJobs, requestStop, type JobRow } from '@c2d/operator-db'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { waitUntil } from './executor-conformance.ts'
import { createEngineWorld, type EngineWorld } from './support/engine-world.ts'

const isFinished = (job: JobRow): boolean => job.dateFinished !== null

/** Leaves one line for each time it is run, and takes a while in between. */
const COUNTING = `
  const fs = require('fs')
  fs.appendFileSync('/data/outputs/runs', 'begun\\n')
  console.log('begun')
  setTimeout(() => fs.appendFileSync('/data/outputs/runs', 'done\\n'), 3_000)
`

let world: EngineWorld
beforeEach(async () => {
  world = await createEngineWorld()
})
afterEach(() => world.close())

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** Waits until an attempt of a step runs its program, then kills whoever watches over it, as a machine's end would. */
async function disrupt(jobId: string, control: string, isAtWork: string): Promise<void> {
  const folder = join(world.workspaces, jobId)
  const started = join(folder, 'control', control, 'started.json')
  await waitUntil(async () => (await exists(started)) && (await exists(join(folder, 'data', isAtWork))))
  const { runner } = JSON.parse(await readFile(started, 'utf8')) as { runner: { pid: number } }
  process.kill(runner.pid, 'SIGKILL')
}

describe('a step that is lost to a disruption', () => {
  it('is run once more from emptied outputs: as its results see it, it ran exactly once', async () => {
    await world.startEngine()
    const jobId = await world.queueJob(COUNTING)
    await disrupt(jobId, 'algorithm', 'outputs/runs')
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0, epoch: 1 })
    expect(await world.resultText(job, 'runs')).toBe('begun\ndone\n')
    expect(await world.resultText(job, 'algorithm.log')).toBe('begun\n')
    const again = (await listEvents(world.db, jobId)).filter(({ what }) => what === 'retried')
    expect(again).toMatchObject([{ detail: { step: 'algorithm', attempt: 2, reason: 'Lost' } }])
  })

  it('is run once more by the engine that adopts it', async () => {
    const first = await world.startEngine()
    const jobId = await world.queueJob(COUNTING)
    await waitUntil(() => exists(join(world.workspaces, jobId, 'data', 'outputs', 'runs')))
    await first.kill('SIGKILL')
    await disrupt(jobId, 'algorithm', 'outputs/runs')
    await Promise.all([world.startEngine(), world.startEngine()])
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0, epoch: 2 })
    expect(await world.resultText(job, 'runs')).toBe('begun\ndone\n')
  })

  it('and lost again: the job says so', async () => {
    await world.startEngine()
    const jobId = await world.queueJob(COUNTING)
    await disrupt(jobId, 'algorithm', 'outputs/runs')
    await disrupt(jobId, 'algorithm.2', 'outputs/runs')
    expect(await world.waitForJob(jobId, isFinished)).toMatchObject({ status: 70, reason: 'StepLost', exitCode: null })
  })

  it('behaviour: is not run again when the job is to be stopped', async () => {
    const first = await world.startEngine()
    const jobId = await world.queueJob(COUNTING)
    await disrupt(jobId, 'algorithm', 'outputs/runs')
    first.process.kill('SIGSTOP')
    await requestStop(world.db, { jobId })
    first.process.kill('SIGCONT')
    await notifyJobs(world.db)
    // Whether the stop came before the second attempt or during it: it never ends well.
    expect(await world.waitForJob(jobId, isFinished)).toMatchObject({ status: 70, reason: 'Stopped', stopRequest: 1 })
  })

  it('is configured once more, and its first pod is not heard any more', async () => {
    await world.startEngine()
    const jobId = await world.queueJob(COUNTING, { inputPath: '/slow.csv' })
    await disrupt(jobId, 'configure', 'adminlogs/configure.log')
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0 })
    expect((await world.eventsOf(jobId)).filter((what) => what === 'provisioned')).toHaveLength(1)
  })
})
