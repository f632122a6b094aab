import type { JobRow } from '@c2d/operator-db'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createEngineWorld, type EngineWorld } from './support/engine-world.ts'

const ELSEWHERE = 'an environment nobody serves'
const isFinished = (job: JobRow): boolean => job.dateFinished !== null

let world: EngineWorld
beforeEach(async () => {
  world = await createEngineWorld()
})
afterEach(() => world.close())

describe('an engine whose connection breaks', () => {
  it('after the database noted its claim, before it heard of it: does the job all the same', async () => {
    const engine = await world.startEngine()
    const instance = /"instance":"([^"]+)"/.exec(engine.output())?.[1]
    const jobId = await world.queueJob(`require('fs').writeFileSync('/data/outputs/x', '')`, { environment: ELSEWHERE })

    // What a claim leaves in the row; the answer never reached the engine, which goes on renewing the lease it has.
    await world.db.raw(
      `UPDATE jobs SET namespace = 'engine-tests', status = 20, statustext = 'Configuring volumes', epoch = epoch + 1,
         claimed_by = :instance, lease_expires_at = clock_timestamp() + interval '2 seconds'
       WHERE workflowid = :jobId`,
      { instance: instance ?? '', jobId },
    )
    expect(await world.waitForJob(jobId, isFinished)).toMatchObject({ status: 70, reason: null, exitCode: 0, epoch: 1 })
  })
})
