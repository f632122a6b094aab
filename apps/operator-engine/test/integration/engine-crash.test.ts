import type { JobRow } from '@c2d/operator-db'
import { sleep } from '@c2d/runtime'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createEngineWorld, type EngineWorld } from './support/engine-world.ts'

const isFinished = (job: JobRow): boolean => job.dateFinished !== null
const isRunning = (job: JobRow): boolean => job.status === 40

/** Leaves one line for each time it is run, and takes a while in between. */
const COUNTING = `
  const fs = require('fs')
  fs.appendFileSync('/data/outputs/runs', 'begun\\n')
  setTimeout(() => fs.appendFileSync('/data/outputs/runs', 'done\\n'), 2_500)
`

let world: EngineWorld
beforeEach(async () => {
  world = await createEngineWorld()
})
afterEach(() => world.close())

describe('an engine that is killed', () => {
  it('while the algorithm runs: the next one ends the job, which ran exactly once', async () => {
    const first = await world.startEngine()
    const jobId = await world.queueJob(COUNTING)
    await world.waitForJob(jobId, isRunning)
    await sleep(500)
    await first.kill('SIGKILL')

    await world.startEngine()
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0, epoch: 2 })
    expect(await world.resultText(job, 'runs')).toBe('begun\ndone\n')
    expect((await world.eventsOf(jobId)).filter((what) => what === 'running')).toHaveLength(1)
  })

  it('while nobody watches the algorithm ends: its exit code is not lost', async () => {
    const first = await world.startEngine()
    const jobId = await world.queueJob(`setTimeout(() => process.exit(7), 1_000)`)
    await world.waitForJob(jobId, isRunning)
    await sleep(400)
    await first.kill('SIGKILL')
    await sleep(1_500)

    await world.startEngine()
    expect(await world.waitForJob(jobId, isFinished)).toMatchObject({ reason: 'AlgorithmFailed', exitCode: 7 })
  })

  it('again and again, at any moment: every job ends, and each ran exactly once', async () => {
    const jobIds = await Promise.all(Array.from({ length: 4 }, () => world.queueJob(COUNTING)))
    for (const afterMs of [40, 250, 700, 1_300]) {
      const engine = await world.startEngine({ LEASE_SECONDS: '1', TICK_SECONDS: '0.3' })
      await sleep(afterMs)
      await engine.kill('SIGKILL')
    }
    await world.startEngine({ LEASE_SECONDS: '1', TICK_SECONDS: '0.3' })
    for (const jobId of jobIds) {
      const job = await world.waitForJob(jobId, isFinished)
      expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0 })
      expect(await world.resultText(job, 'runs')).toBe('begun\ndone\n')
    }
  })
})

describe('an engine that is asked to end', () => {
  it('gives its jobs to the next one at once, and leaves with exit code 0', async () => {
    const first = await world.startEngine({ LEASE_SECONDS: '60' })
    const jobId = await world.queueJob(COUNTING)
    await world.waitForJob(jobId, isRunning)
    await first.kill('SIGTERM')
    expect(first.process.exitCode).toBe(0)

    await world.startEngine({ LEASE_SECONDS: '60' })
    const job = await world.waitForJob(jobId, isFinished) // long before a lease runs out
    expect(await world.resultText(job, 'runs')).toBe('begun\ndone\n')
  })
})

describe('two engines', () => {
  it('share the work and never a job', async () => {
    await Promise.all([world.startEngine(), world.startEngine()])
    const jobIds = await Promise.all(
      Array.from({ length: 8 }, () => world.queueJob(`require('fs').appendFileSync('/data/outputs/runs', 'x')`)),
    )
    for (const jobId of jobIds) {
      const job = await world.waitForJob(jobId, isFinished)
      expect(job).toMatchObject({ status: 70, exitCode: 0, epoch: 1 })
      expect(await world.resultText(job, 'runs')).toBe('x')
      expect((await world.eventsOf(jobId)).filter((what) => what === 'claimed')).toHaveLength(1)
    }
  })
})
