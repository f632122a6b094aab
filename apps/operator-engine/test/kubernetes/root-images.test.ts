import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { Executor } from '../../src/executor/executor.ts'
import { buildJobId, buildStep, waitForEnd } from '../integration/executor-conformance.ts'
import { createTestNamespace, type TestNamespace } from './support/test-cluster.ts'

let namespace: TestNamespace
let executor: Executor
beforeAll(async () => {
  namespace = await createTestNamespace('root', 'baseline')
  executor = await namespace.makeExecutor({}, { allowRootImages: true })
})
afterAll(async () => {
  await executor.close()
  await namespace.remove()
})

it('behaviour: where an environment allows it, an image runs as the user it names, root, and what it closed is still published', async () => {
  const jobId = buildJobId()
  await executor.prepare(jobId)
  try {
    const script =
      'id -u; touch /root-is-writable; mkdir /data/outputs/d; echo closed > /data/outputs/d/f; chmod 0 /data/outputs/d/f /data/outputs/d'
    await executor.start(jobId, 'algorithm', buildStep(script))
    expect(await waitForEnd(executor, jobId)).toMatchObject({ exitCode: 0, reason: null })
    expect(await text(executor.logs(jobId, 'algorithm'))).toBe('0\n')
    const publish = { ...buildStep(''), kind: 'program' as const, command: ['cat', '/data/outputs/d/f'] }
    await executor.start(jobId, 'publish', publish)
    expect(await waitForEnd(executor, jobId, 'publish')).toMatchObject({ exitCode: 0 })
    expect(await text(executor.logs(jobId, 'publish'))).toBe('closed\n')
  } finally {
    await executor.remove(jobId)
  }
})
