import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { JOB_STATUS } from '@c2d/contracts'
import { z } from 'zod'
import { waitUntil } from '../integration/executor-conformance.ts'
import type { RunningEngine } from '../integration/support/engine-world.ts'
import { createClusterWorld, type ClusterWorld } from './support/cluster-world.ts'

const WAIT_MS = 90_000
const isFinished = ({ dateFinished }: { dateFinished: string | null }): boolean => dateFinished !== null
const SLEEP = 'setInterval(() => {}, 1000)'

const listSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
      involvedObject: z.object({ kind: z.string(), name: z.string() }).optional(),
      reason: z.string().optional(),
      type: z.string().optional(),
    }),
  ),
})

describe('what an operator sees of a job with kubectl and Prometheus', () => {
  let world: ClusterWorld
  let engine: RunningEngine
  beforeAll(async () => {
    world = await createClusterWorld('story')
    engine = await world.startClusterEngine()
  }, 120_000)
  afterAll(() => world.close(), 120_000)

  async function list(kind: 'jobs' | 'pods' | 'events', jobId: string) {
    const group = kind === 'jobs' ? '/apis/batch/v1' : '/api/v1'
    const path = `${group}/namespaces/${world.namespace.name}/${kind}`
    return listSchema.parse(await world.namespace.client.get(path, { labelSelector: `workflow=${jobId}` })).items
  }
  const reasonsOf = async (jobId: string) => (await list('events', jobId)).map(({ reason }) => reason ?? '')
  /** The epoch that the object of a step says. */
  const epochOf = async (kind: 'jobs' | 'pods', jobId: string, step: string) =>
    Number(
      (await list(kind, jobId)).find(({ metadata: { labels } }) => labels['component'] === step)?.metadata.labels[
        'epoch'
      ],
    )
  const phaseCount = async (phase: string) => {
    const text = await (await fetch(`${engine.url()}/metrics`)).text()
    return Number(new RegExp(`c2d_engine_pods\\{[^}]*phase="${phase}"\\} (\\d+)`).exec(text)?.[1])
  }

  it('behaviour: Events tell the story of a job, step by step, and stay when all else of it is gone', async () => {
    const jobId = await world.queueClusterJob("console.log('well')")
    await world.waitForJob(jobId, isFinished, WAIT_MS)
    await waitUntil(async () => (await reasonsOf(jobId)).includes('Finished'), WAIT_MS)
    expect(await reasonsOf(jobId)).toEqual(
      expect.arrayContaining([
        'Claimed',
        'Provisioning',
        'Provisioned',
        'AlgorithmStarted',
        'AlgorithmCompleted',
        'Publishing',
        'Published',
        'Finished',
      ]),
    )
    const events = await list('events', jobId)
    expect(events.every(({ type }) => type === 'Normal')).toBe(true)
    expect(events.find(({ reason }) => reason === 'AlgorithmStarted')?.involvedObject).toEqual({
      kind: 'Job',
      name: `${jobId}-algorithm-job`,
    })
    await waitUntil(async () => (await list('jobs', jobId)).length === 0, WAIT_MS)
    expect(await reasonsOf(jobId)).toContain('Finished')
  }, 240_000)

  it('behaviour: a job that fails is a warning that says why', async () => {
    const jobId = await world.queueClusterJob('process.exit(42)')
    await world.waitForJob(jobId, isFinished, WAIT_MS)
    const warnings = async () => (await list('events', jobId)).filter(({ type }) => type === 'Warning')
    await waitUntil(async () => (await warnings()).length === 2, WAIT_MS)
    expect((await warnings()).map(({ involvedObject, reason }) => [involvedObject?.kind, reason]).toSorted()).toEqual([
      ['ConfigMap', 'AlgorithmFailed'],
      ['Job', 'AlgorithmFailed'],
    ])
  }, 240_000)

  it('behaviour: pods are counted by environment and phase, and an engine that takes a job over relabels what is under way', async () => {
    const jobId = await world.queueClusterJob(SLEEP)
    await world.waitForJob(jobId, ({ status }) => status >= JOB_STATUS.running.code, WAIT_MS)
    await waitUntil(async () => (await reasonsOf(jobId)).includes('AlgorithmStarted'), WAIT_MS)
    const before = await epochOf('jobs', jobId, 'configure')
    expect(await epochOf('jobs', jobId, 'algorithm')).toBeGreaterThanOrEqual(before)
    await waitUntil(async () => (await phaseCount('Running')) >= 1, WAIT_MS)
    expect(await phaseCount('Unknown')).toBe(0)

    await engine.kill('SIGKILL')
    engine = await world.startClusterEngine()
    const { epoch } = await world.waitForJob(jobId, (job) => job.epoch > before, WAIT_MS)
    for (const kind of ['jobs', 'pods'] as const) {
      await waitUntil(async () => (await epochOf(kind, jobId, 'algorithm')) >= epoch, WAIT_MS)
    }
    // What was over before keeps the claim it ran under.
    expect(await epochOf('jobs', jobId, 'configure')).toBe(before)
    await waitUntil(async () => (await reasonsOf(jobId)).includes('Adopted'), WAIT_MS)
    expect((await reasonsOf(jobId)).filter((reason) => reason === 'AlgorithmStarted')).toHaveLength(1)
  }, 300_000)
})
