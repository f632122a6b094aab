import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sleep } from '@c2d/runtime'
import { CLUSTER_PROGRAMS, findClusterPrograms } from './support/cluster-programs.ts'
import { createClusterWorld, type ClusterWorld } from './support/cluster-world.ts'

const programs = findClusterPrograms()
const describeFaults = programs ? describe : describe.skip

const SLOW = `
const fs = require('fs')
fs.appendFileSync('/data/outputs/runs', 'run')
setTimeout(() => fs.writeFileSync('/data/outputs/result', 'done'), 12000)`

describeFaults('a cluster that is hurt while a job runs', () => {
  let world: ClusterWorld
  beforeAll(async () => {
    world = await createClusterWorld('faults')
    await world.startClusterEngine()
  }, 120_000)
  afterAll(() => world.close(), 120_000)

  it.each(CLUSTER_PROGRAMS)(
    'behaviour: %s is killed and comes back: the job ends as if nothing had been, and ran once',
    async (program) => {
      const jobId = await world.queueClusterJob(SLOW)
      await world.waitForJob(jobId, ({ status }) => status >= 40, 60_000)
      await sleep(3_000)
      await programs?.kill(program)
      await sleep(4_000)
      await programs?.heal()
      const job = await world.waitForJob(jobId, ({ dateFinished }) => dateFinished !== null, 120_000)
      expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0 })
      expect(job.outputs).toEqual(
        expect.arrayContaining([expect.objectContaining({ filename: 'runs', filesize: 'run'.length })]),
      )
    },
    240_000,
  )
})
