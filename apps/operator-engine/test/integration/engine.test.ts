import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { listEvents, notifyJobs, requestStop, type JobRow } from '@c2d/operator-db'
import { sleep } from '@c2d/runtime'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { waitUntil } from './executor-conformance.ts'
import { createEngineWorld, type EngineWorld } from './support/engine-world.ts'

const isFinished = (job: JobRow): boolean => job.dateFinished !== null
const ALGORITHM = `
  const fs = require('fs')
  const did = JSON.parse(process.env.DIDS)[0]
  const rows = fs.readFileSync(process.env.INPUTS + '/' + did + '/0', 'utf8').trim().split('\\n')
  fs.writeFileSync(process.env.OUTPUTS + '/result.json', JSON.stringify({ rows: rows.length }))
  console.log('counted')
`
const SLEEPER = `console.log('asleep'); setTimeout(() => {}, 60_000)`

let world: EngineWorld
beforeAll(async () => {
  world = await createEngineWorld()
  await world.startEngine()
})
afterAll(() => world.close())

/** Until the algorithm has said something. */
const waitForLog = (jobId: string): Promise<void> =>
  waitUntil(async () => {
    const log = await stat(join(world.workspaces, jobId, 'data/logs/algorithm.log')).catch(() => null)
    return log !== null && log.size > 0
  })

describe('engine', () => {
  it('takes a job from its row to its result, and leaves nothing of the data behind', async () => {
    const jobId = await world.queueJob(ALGORITHM)
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0, epoch: 1 })
    expect(await world.resultText(job, 'result.json')).toBe('{"rows":2}')
    expect(await world.resultText(job, 'algorithm.log')).toContain('counted')
    expect(job.outputs?.map((result) => result.type)).toEqual([
      'output',
      'algorithmLog',
      'configrationLog',
      'publishLog',
    ])
    expect(await world.eventsOf(jobId)).toEqual([
      'created',
      'claimed',
      'provisioned',
      'running',
      'outcome',
      'publishing',
      'outputs',
      'finished',
    ])
    const finished = (await listEvents(world.db, jobId)).find(({ what }) => what === 'finished')
    expect(finished?.detail).toMatchObject({
      status: 70,
      exitCode: 0,
      stepMs: { configure: expect.any(Number), algorithm: expect.any(Number), publish: expect.any(Number) },
    })
    await waitUntil(async () => !(await readdir(world.workspaces)).includes(jobId))
  })

  it('behaviour: a failing algorithm says so, and its output is still published', async () => {
    const jobId = await world.queueJob(`require('fs').writeFileSync('/data/outputs/partial', 'x'); process.exit(3)`)
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: 'AlgorithmFailed', exitCode: 3 })
    expect(await world.resultText(job, 'partial')).toBe('x')
  })

  it('behaviour: a dataset that cannot be had ends the job without running the algorithm', async () => {
    const jobId = await world.queueJob(ALGORITHM, { inputPath: '/missing.csv' })
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 31, statusText: 'Data provisioning failed', reason: 'InputFetchFailed' })
    expect(await world.resultText(job, 'configure.log')).toContain('404')
    expect(await world.eventsOf(jobId)).not.toContain('running')
  })

  it('behaviour: what is not paid for any longer is stopped', async () => {
    const jobId = await world.queueJob(SLEEPER, { validUntil: Math.floor(Date.now() / 1000) + 3_600 })
    await waitForLog(jobId)
    await world.db('jobs').where({ workflowid: jobId }).update({ valid_until: 1 })
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: 'TimedOut', stopRequest: 2 })
    expect(await world.resultText(job, 'algorithm.log')).toContain('asleep')
  })

  it('behaviour: a stop ends a running algorithm, and its log is kept', async () => {
    const jobId = await world.queueJob(SLEEPER)
    await waitForLog(jobId)
    await requestStop(world.db, { jobId })
    await notifyJobs(world.db)
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: 'Stopped', stopRequest: 1 })
    expect(job.outputs?.map((result) => result.type)).toContain('algorithmLog')
  })

  it('behaviour: an entrypoint that cannot run is the algorithm’s failure', async () => {
    const jobId = await world.queueJob(ALGORITHM, { entrypoint: 'no-such-interpreter $ALGO' })
    const job = await world.waitForJob(jobId, isFinished)
    expect(job).toMatchObject({ status: 70, reason: 'AlgorithmFailed', exitCode: 127 })
  })

  it('behaviour: a row whose workflow cannot be read ends, and stops nobody else', async () => {
    const poisoned = await world.queueJob(ALGORITHM, { environment: 'elsewhere' })
    await world.db.raw(
      `UPDATE jobs SET workflow = '{"input": null}', namespace = 'engine-tests' WHERE workflowid = ?`,
      [poisoned],
    )
    const healthy = await world.queueJob(ALGORITHM)
    expect(await world.waitForJob(poisoned, isFinished)).toMatchObject({ reason: 'InternalError' })
    expect(await world.waitForJob(healthy, isFinished)).toMatchObject({ status: 70, exitCode: 0 })
  })

  it('behaviour: a job of an environment that is not served here is left alone', async () => {
    const jobId = await world.queueJob(ALGORITHM, { environment: 'elsewhere' })
    await sleep(1_200)
    expect(await world.waitForJob(jobId, () => true)).toMatchObject({ status: 1, epoch: 0 })
  })
})
