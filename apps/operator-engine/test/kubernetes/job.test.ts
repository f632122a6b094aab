import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { JOB_STATUS } from '@c2d/contracts'
import { notifyJobs, requestStop } from '@c2d/operator-db'
import { waitUntil } from '../integration/executor-conformance.ts'
import { createClusterWorld, type ClusterWorld } from './support/cluster-world.ts'

const SUM = `
const fs = require('fs')
const did = JSON.parse(process.env.DIDS)[0]
const rows = fs.readFileSync('/data/inputs/' + did + '/0', 'utf8').trim().split('\\n').slice(1)
fs.writeFileSync('/data/outputs/sum', String(rows[0].split(',').map(Number).reduce((a, b) => a + b)))
console.log('summed')`

const isFinished = ({ dateFinished }: { dateFinished: string | null }): boolean => dateFinished !== null

/** The cluster's own runtime, and the RuntimeClasses that C2D_TEST_RUNTIME_CLASSES names. */
const RUNTIMES = ['', ...(process.env['C2D_TEST_RUNTIME_CLASSES'] ?? '').split(',').filter(Boolean)]

describe.each(RUNTIMES)('a job on the cluster (%s), from its row to its results', (runtimeClass) => {
  let world: ClusterWorld
  beforeAll(async () => {
    world = await createClusterWorld('job')
    await world.startClusterEngine(runtimeClass === '' ? {} : { runtimeClass })
  }, 120_000)
  afterAll(() => world.close(), 120_000)

  it('behaviour: its inputs are staged, its algorithm runs sealed, its outputs and logs are published, and nothing is left', async () => {
    const jobId = await world.queueClusterJob(SUM)
    const job = await world.waitForJob(jobId, isFinished, 60_000)
    expect(job).toMatchObject({ status: JOB_STATUS.finished.code, reason: null, exitCode: 0 })
    expect(job.isolation).toMatchObject({ sealed: true, egress: 'none' })
    const sha256 = createHash('sha256').update('3').digest('hex')
    expect(job.outputs).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ filename: 'sum', type: 'output', sha256 }),
        expect.objectContaining({ filename: 'algorithm.log', type: 'algorithmLog', filesize: 'summed\n'.length }),
        expect.objectContaining({ filename: 'configure.log', type: 'configrationLog' }),
      ]),
    )
    const path = `/api/v1/namespaces/${world.namespace.name}/persistentvolumeclaims/${jobId}-data`
    await waitUntil(async () =>
      world.namespace.client.get(path).then(
        () => false,
        () => true,
      ),
    )
  })

  it('behaviour: an algorithm that fails says with which code, and its log is published', async () => {
    const jobId = await world.queueClusterJob('console.log("dying"); process.exit(42)')
    const job = await world.waitForJob(jobId, isFinished, 60_000)
    expect(job).toMatchObject({ status: JOB_STATUS.finished.code, reason: 'AlgorithmFailed', exitCode: 42 })
    expect(job.outputs).toEqual(
      expect.arrayContaining([expect.objectContaining({ filename: 'algorithm.log', filesize: 'dying\n'.length })]),
    )
  })

  it('behaviour: an algorithm that fails on a full volume ends WorkspaceFull, and what it wrote is published', async () => {
    const jobId = await world.queueClusterJob(
      "const fs = require('fs'); const to = fs.openSync('/data/outputs/big', 'w'); for (;;) fs.writeSync(to, Buffer.alloc(2 ** 20))",
    )
    const job = await world.waitForJob(jobId, isFinished, 120_000)
    expect(job).toMatchObject({ status: JOB_STATUS.finished.code, reason: 'WorkspaceFull', exitCode: 1 })
    expect(job.outputs).toEqual(expect.arrayContaining([expect.objectContaining({ filename: 'big' })]))
  })

  it('behaviour: the stop button ends an algorithm that runs, and what it wrote until then is published', async () => {
    const jobId = await world.queueClusterJob(
      "require('fs').writeFileSync('/data/outputs/partial', 'x'); setInterval(() => {}, 1000)",
    )
    await world.waitForJob(jobId, ({ status }) => status >= JOB_STATUS.running.code, 60_000)
    await waitUntil(async () => (await algorithmPhase(jobId)) === 'Running', 40_000)
    await requestStop(world.db, { jobId })
    await notifyJobs(world.db)
    const job = await world.waitForJob(jobId, isFinished, 60_000)
    expect(job).toMatchObject({ status: JOB_STATUS.finished.code, reason: 'Stopped', stopRequest: 1 })
    expect(job.outputs).toEqual(expect.arrayContaining([expect.objectContaining({ filename: 'partial' })]))
  })

  async function algorithmPhase(jobId: string): Promise<string | undefined> {
    const path = `/api/v1/namespaces/${world.namespace.name}/pods`
    const found = await world.namespace.client.get(path, { labelSelector: `workflow=${jobId},component=algorithm` })
    return (found as { items: { status: { phase: string } }[] }).items[0]?.status.phase
  }
})
