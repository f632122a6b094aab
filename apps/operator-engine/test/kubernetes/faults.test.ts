import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sleep } from '@c2d/runtime'
import { createClusterWorld, type ClusterWorld } from './support/cluster-world.ts'

const shell = (command: string) => promisify(execFile)('sh', ['-c', command])

/**
 * Shell commands that hurt the cluster, and the one that heals it; given by whoever owns it, as others may be using it:
 * C2D_TEST_KUBECONFIG_FAULTS=1, C2D_TEST_KILL_APISERVER, C2D_TEST_KILL_KUBELET, C2D_TEST_KILL_ETCD, C2D_TEST_HEAL.
 */
const FAULTS = {
  'API server': process.env['C2D_TEST_KILL_APISERVER'],
  kubelet: process.env['C2D_TEST_KILL_KUBELET'],
  etcd: process.env['C2D_TEST_KILL_ETCD'],
}
const heal = process.env['C2D_TEST_HEAL']
const isAllowed = process.env['C2D_TEST_KUBECONFIG_FAULTS'] === '1' && heal !== undefined
const describeFaults = isAllowed ? describe : describe.skip

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

  it.each(Object.entries(FAULTS).flatMap(([what, kill]) => (kill === undefined ? [] : [[what, kill] as const])))(
    'behaviour: the %s is killed and comes back: the job ends as if nothing had been, and ran once',
    async (_, kill) => {
      const jobId = await world.queueClusterJob(SLOW)
      await world.waitForJob(jobId, ({ status }) => status >= 40, 60_000)
      await sleep(3_000)
      await shell(kill)
      await sleep(4_000)
      await shell(heal ?? '')
      const job = await world.waitForJob(jobId, ({ dateFinished }) => dateFinished !== null, 120_000)
      expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0 })
      expect(job.outputs).toEqual(
        expect.arrayContaining([expect.objectContaining({ filename: 'runs', filesize: 'run'.length })]),
      )
    },
    240_000,
  )
})
