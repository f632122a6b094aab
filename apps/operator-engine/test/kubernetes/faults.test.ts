import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sleep } from '@c2d/runtime'
import type { ClusterClient } from '../../src/executor/kubernetes/cluster-client.ts'
import { buildJobId, buildStep, waitUntil } from '../integration/executor-conformance.ts'
import { CLUSTER_PROGRAMS, findClusterPrograms } from './support/cluster-programs.ts'
import { createClusterWorld, type ClusterWorld } from './support/cluster-world.ts'
import { createTestNamespace } from './support/test-cluster.ts'

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
      // The scheduler and others come back to an API server that was gone only after a minute or more.
      await world.waitForJob(jobId, ({ status }) => status >= 40, 240_000)
      await sleep(3_000)
      await programs?.kill(program)
      await sleep(4_000)
      await programs?.heal()
      const job = await world.waitForJob(jobId, ({ dateFinished }) => dateFinished !== null, 240_000)
      expect(job).toMatchObject({ status: 70, reason: null, exitCode: 0 })
      expect(job.outputs).toEqual(
        expect.arrayContaining([expect.objectContaining({ filename: 'runs', filesize: 'run'.length })]),
      )
    },
    600_000,
  )
})

describeFaults('a node that does not answer any more', () => {
  it('behaviour: what ran there is given up as lost, and nothing is said to be removed that may still be there', async () => {
    const namespace = await createTestNamespace('lost')
    const executor = await namespace.makeExecutor({}, { lostSeconds: 5 })
    const jobId = buildJobId()
    const algorithm = async () => (await executor.observe(jobId)).steps.algorithm
    try {
      await executor.prepare(jobId)
      await executor.start(jobId, 'algorithm', buildStep('sleep 200', { graceSeconds: 1 }))
      await waitUntil(async () => (await algorithm()).phase === 'running', 240_000)
      await programs?.kill('kubelet')
      // As the cluster does by itself a minute after it has missed the node.
      await namespace.client.delete(`/api/v1/namespaces/${namespace.name}/pods/${await podOf(namespace, jobId)}`)
      await waitUntil(async () => (await algorithm()).phase === 'ended', 120_000)
      expect(await algorithm()).toMatchObject({ reason: 'Lost', exitCode: null, attempt: 1 })
      let isRemoved = false
      const removal = executor.remove(jobId).then(() => (isRemoved = true))
      await sleep(3_000)
      expect(isRemoved).toBe(false)
      await programs?.heal()
      await removal
      expect(await executor.list()).not.toContain(jobId)
    } finally {
      await programs?.heal()
      await executor.close()
      await namespace.remove()
    }
  }, 600_000)
})

async function podOf({ client, name }: { client: ClusterClient; name: string }, jobId: string): Promise<string> {
  const pods = (await client.get(`/api/v1/namespaces/${name}/pods`, { labelSelector: `workflow=${jobId}` })) as {
    items: { metadata: { name: string } }[]
  }
  return pods.items[0]?.metadata.name ?? ''
}
