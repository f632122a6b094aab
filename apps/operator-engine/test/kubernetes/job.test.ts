import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { JOB_STATUS } from '@c2d/contracts'
import { waitUntil } from '../integration/executor-conformance.ts'
import { createClusterWorld, type ClusterWorld } from './support/cluster-world.ts'

const SUM = `
const fs = require('fs')
const did = JSON.parse(process.env.DIDS)[0]
const rows = fs.readFileSync('/data/inputs/' + did + '/0', 'utf8').trim().split('\\n').slice(1)
fs.writeFileSync('/data/outputs/sum', String(rows[0].split(',').map(Number).reduce((a, b) => a + b)))
console.log('summed')`

const isFinished = ({ dateFinished }: { dateFinished: number | null }): boolean => dateFinished !== null

describe('a job on the cluster, from its row to its results', () => {
  let world: ClusterWorld
  beforeAll(async () => {
    world = await createClusterWorld('job')
    await world.startClusterEngine()
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
})
