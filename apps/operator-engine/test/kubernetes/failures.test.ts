import { text } from 'node:stream/consumers'
import { sleep } from '@c2d/runtime'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { ExecutorUnavailableError, type Executor, type StepEnded, type StepSpec } from '../../src/executor/executor.ts'
import type { ClusterEnvironment } from '../../src/executor/kubernetes/settings.ts'
import { buildJobId, buildStep, waitUntil } from '../integration/executor-conformance.ts'
import { provideEmptyImage } from './support/pod-images.ts'
import { createTestNamespace, TEST_IMAGE, type TestNamespace } from './support/test-cluster.ts'

/** Kubelet measures disks when it finds the time: a busy machine takes minutes. */
const END_MS = 170_000
const MIB = 1024 ** 2

jest.setTimeout(2 * END_MS)

describe('what can go wrong on a cluster has a reason and an end', () => {
  let namespace: TestNamespace
  const executors: Executor[] = []
  const prepared: { executor: Executor; jobId: string }[] = []
  const api = () => `/api/v1/namespaces/${namespace.name}`

  beforeAll(async () => {
    namespace = await createTestNamespace('failures')
  })
  afterEach(async () => {
    for (const { executor, jobId } of prepared.splice(0)) await executor.remove(jobId)
    for (const executor of executors.splice(0)) await executor.close()
  })
  afterAll(() => namespace.remove())

  async function begin(step: StepSpec, environment: Partial<ClusterEnvironment> = {}) {
    const executor = await namespace.makeExecutor({}, environment)
    executors.push(executor)
    const jobId = buildJobId()
    prepared.push({ executor, jobId })
    await patiently(() => executor.prepare(jobId))
    await patiently(() => executor.start(jobId, 'algorithm', step))
    return { executor, jobId }
  }

  /** As an engine does: what the cluster cannot do now is asked again. */
  const patiently = (act: () => Promise<void>) =>
    waitUntil(async () => {
      try {
        await act()
        return true
      } catch (thrown) {
        if (thrown instanceof ExecutorUnavailableError) return false
        throw thrown
      }
    }, END_MS)

  async function waitForEnd({ executor, jobId }: { executor: Executor; jobId: string }): Promise<StepEnded> {
    let ended: StepEnded | undefined
    await waitUntil(async () => {
      const state = (await executor.observe(jobId)).steps.algorithm
      if (state.phase === 'ended') ended = state
      return ended !== undefined
    }, END_MS)
    return ended!
  }

  async function waitForLog({ executor, jobId }: { executor: Executor; jobId: string }, word: string): Promise<void> {
    for await (const part of executor.logs(jobId, 'algorithm')) if (String(part).includes(word)) return
    throw new Error(`the log ended without ${word}`)
  }

  async function podOf(jobId: string): Promise<string> {
    const { items } = (await namespace.client.get(`${api()}/pods`, { labelSelector: `workflow=${jobId}` })) as {
      items: { metadata: { name: string } }[]
    }
    return items[0]?.metadata.name ?? ''
  }

  it.each([
    ['an image that does not exist', `${TEST_IMAGE.debian.split('/')[0]}/nobody/has-this:1`, 'ImagePullFailed'],
    ['an image whose name is none', 'NOT an image', 'ImagePullFailed'],
  ])('%s: %s', async (_, image, reason) => {
    const ended = await waitForEnd(await begin({ ...buildStep('true'), image }))
    expect(ended).toMatchObject({ reason, exitCode: null })
    expect(ended.message).toMatch(/image/i)
  })

  it('an image without a shell: StartFailed', async () => {
    const image = await provideEmptyImage()
    expect(await waitForEnd(await begin({ ...buildStep('true'), image }))).toMatchObject({ reason: 'StartFailed' })
  })

  it('no machine that fits: Unschedulable, and what the scheduler says', async () => {
    const job = await begin(buildStep('true'), { placeSeconds: 2, nodeSelector: { nobody: 'has-this' } })
    const ended = await waitForEnd(job)
    expect(ended).toMatchObject({ reason: 'Unschedulable', exitCode: null })
    expect(ended.message).toMatch(/node/)
  })

  it('a volume that never binds: Unschedulable', async () => {
    const job = await begin(buildStep('true'), { placeSeconds: 2, storageClass: 'nobody-has-this' })
    expect(await waitForEnd(job)).toMatchObject({ reason: 'Unschedulable' })
  })

  it('more memory than granted: OutOfMemory', async () => {
    const job = await begin(buildStep('tail /dev/zero', { memoryBytes: 24 * MIB }))
    expect(await waitForEnd(job)).toMatchObject({ reason: 'OutOfMemory' })
  })

  it.each([
    ['a full volume: WorkspaceFull', 'head -c 200000000 /dev/zero > /data/outputs/big', 'WorkspaceFull'],
    [
      'a volume that was full, until its algorithm cleared it away, is a failure like any other',
      'head -c 200000000 /dev/zero > /data/outputs/big || { rm /data/outputs/big; exit 1; }',
      null,
    ],
  ])('%s, which the publish pod finds out', async (_, script, reason) => {
    const job = await begin(buildStep(script))
    // Until somebody looks, it is an exit code, and the system's own word in the log.
    expect(await waitForEnd(job)).toMatchObject({ reason: null, exitCode: 1 })
    expect(await text(job.executor.logs(job.jobId, 'algorithm'))).toMatch(/No space left/)
    await job.executor.start(job.jobId, 'publish', { ...buildStep(''), kind: 'program', command: ['true'] })
    await waitUntil(async () => (await job.executor.observe(job.jobId)).steps.publish.phase === 'ended', END_MS)
    expect(await waitForEnd(job)).toMatchObject({ reason, exitCode: 1 })
  })

  it('a full /tmp: WorkspaceFull', async () => {
    const job = await begin(
      buildStep('head -c 60000000 /dev/zero > /tmp/big; sleep 160', { maxDurationSeconds: 170 }),
      { tmpMB: 8, ephemeralMB: 16 },
    )
    expect(await waitForEnd(job)).toMatchObject({ reason: 'WorkspaceFull', exitCode: null })
  })

  it('a pod that is evicted: Evicted, and another attempt may begin', async () => {
    const job = await begin(buildStep('echo ready; sleep 55', { graceSeconds: 1 }))
    await waitForLog(job, 'ready')
    const name = await podOf(job.jobId)
    await namespace.client.create(`${api()}/pods/${name}/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name, namespace: namespace.name },
    })
    expect(await waitForEnd(job)).toMatchObject({ reason: 'Evicted', exitCode: null, attempt: 1 })
    await waitUntil(async () => {
      try {
        await job.executor.start(job.jobId, 'algorithm', buildStep('echo again'), 2)
        return true
      } catch {
        return false // the one before is still dying
      }
    })
    await waitUntil(async () => {
      const state = (await job.executor.observe(job.jobId)).steps.algorithm
      return state.phase === 'ended' && state.attempt === 2 && state.exitCode === 0
    }, END_MS)
  })

  it('a pod that somebody deletes: Evicted', async () => {
    const job = await begin(buildStep('echo ready; sleep 55', { graceSeconds: 1 }))
    await waitForLog(job, 'ready')
    await namespace.client.delete(`${api()}/pods/${await podOf(job.jobId)}`)
    expect(await waitForEnd(job)).toMatchObject({ reason: 'Evicted', exitCode: null })
  })

  it('behaviour: a Job that somebody deletes is not run again as the same attempt', async () => {
    const job = await begin(buildStep('echo ready; sleep 55', { graceSeconds: 1 }))
    await waitForLog(job, 'ready')
    const path = `/apis/batch/v1/namespaces/${namespace.name}/jobs/${job.jobId}-algorithm-job`
    await namespace.client.delete(path, { propagationPolicy: 'Background' })
    expect(await waitForEnd(job)).toMatchObject({ reason: 'Evicted', exitCode: null, attempt: 1 })
    await job.executor.start(job.jobId, 'algorithm', buildStep('echo again'))
    expect(await waitForEnd(job)).toMatchObject({ reason: 'Evicted', attempt: 1 })
  })

  it('a pod that an admission rule refuses: StartFailed, and the rule', async () => {
    // The namespace holds pods to the restricted profile; this environment asks for less.
    const ended = await waitForEnd(await begin(buildStep('true'), { allowRootImages: true }))
    expect(ended).toMatchObject({ reason: 'StartFailed' })
    expect(ended.message).toMatch(/restricted/)
  })

  describe('a quota', () => {
    const lift = (name: string) => namespace.client.delete(`${api()}/resourcequotas/${name}`)
    /** Holds from when the cluster has counted what is there. */
    async function impose(name: string, hard: Record<string, string>): Promise<void> {
      await namespace.client.create(`${api()}/resourcequotas`, { metadata: { name }, spec: { hard } })
      await waitUntil(async () => {
        const quota = (await namespace.client.get(`${api()}/resourcequotas/${name}`)) as { status?: { hard?: object } }
        return quota.status?.hard !== undefined
      }, 60_000)
    }

    it.each([
      ['a pod', { pods: '0' }],
      ['a volume', { persistentvolumeclaims: '0' }],
      ['a Job', { 'count/jobs.batch': '0' }],
    ])('that leaves no room for %s: Unschedulable, once the patience is over', async (_, hard) => {
      await impose('full', hard)
      try {
        const ended = await waitForEnd(await begin(buildStep('true'), { placeSeconds: 3 }))
        expect(ended).toMatchObject({ reason: 'Unschedulable', exitCode: null })
      } finally {
        await lift('full')
      }
    })

    it.each([
      ['a volume', { persistentvolumeclaims: '0' }],
      ['a Job', { 'count/jobs.batch': '0' }],
    ])('behaviour: that frees itself in time lets a job wait for %s, and run', async (_, hard) => {
      await impose('full', hard)
      const freed = sleep(4_000).then(() => lift('full'))
      const ended = await waitForEnd(await begin(buildStep('true')))
      await freed
      expect(ended).toMatchObject({ reason: null, exitCode: 0, attempt: 1 })
    })
  })
})
