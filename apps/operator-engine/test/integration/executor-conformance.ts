import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Executor } from '../../src/executor/executor.ts'
import { describeEnds } from './executor-conformance-ends.ts'
import { buildJobId, buildStep, waitForEnd, waitUntil, type ExecutorUnderTest } from './steps-under-test.ts'

export { buildJobId, buildStep, waitForEnd, waitUntil, type ExecutorUnderTest }

/** What every executor promises (DESIGN §5), written once against the port. */
export function describeExecutor(name: string, setUp: () => Promise<ExecutorUnderTest>): void {
  describe(`${name}: the executor port`, () => {
    let tested: ExecutorUnderTest
    let executor: Executor
    const jobs: string[] = []

    const prepareJob = async () => {
      const jobId = buildJobId()
      jobs.push(jobId)
      await executor.prepare(jobId)
      return jobId
    }
    const waitForLog = async (jobId: string, word: string) => {
      for await (const part of executor.logs(jobId, 'algorithm')) if (String(part).includes(word)) return
      throw new Error(`the log ended without ${word}`)
    }

    beforeAll(async () => {
      tested = await setUp()
      executor = await tested.makeExecutor()
    })
    afterEach(async () => {
      for (const jobId of jobs.splice(0)) await executor.remove(jobId)
    })
    afterAll(async () => {
      await executor.close()
      await tested.close()
    })

    describeEnds({ tested: () => tested, executor: () => executor, prepareJob, waitForLog })

    it('says in one sentence what it is', () => {
      expect(executor.describe()).toMatch(/^(process|kubernetes) executor, /)
    })

    it('knows nothing of a job that it never saw', async () => {
      const state = await executor.observe(buildJobId())
      expect(state.prepared).toBe(false)
      expect(Object.values(state.steps).map(({ phase }) => phase)).toEqual(['absent', 'absent', 'absent', 'absent'])
    })

    it.each(['', '../x', 'A'.repeat(32)])('error: refuses %j as a job id', async (jobId) => {
      await expect(executor.prepare(jobId)).rejects.toThrow('not a job id')
      await expect(executor.observe(jobId)).rejects.toThrow('not a job id')
      await expect(executor.remove(jobId)).rejects.toThrow('not a job id')
    })

    it('error: starts nothing in a job that is not prepared', async () => {
      await expect(executor.start(buildJobId(), 'algorithm', buildStep('true'))).rejects.toThrow('not prepared')
    })

    it('runs a step and says how it ended', async () => {
      const jobId = await prepareJob()
      await executor.prepare(jobId)
      const before = Date.now()
      await executor.start(jobId, 'algorithm', buildStep('echo hello; echo trouble >&2'))
      const ended = await waitForEnd(executor, jobId)
      expect(ended).toMatchObject({ exitCode: 0, signal: null, reason: null })
      expect(ended.startedAt.getTime()).toBeGreaterThanOrEqual(before - 1000)
      expect(ended.endedAt.getTime()).toBeGreaterThanOrEqual(ended.startedAt.getTime())
      expect(await text(executor.logs(jobId, 'algorithm'))).toBe('hello\ntrouble\n')
      const state = await executor.observe(jobId)
      expect(state.prepared).toBe(true)
      expect(state.steps.publish.phase).toBe('absent')
    })

    it('behaviour: keeps the exit code of a failing step', async () => {
      const jobId = await prepareJob()
      await executor.start(jobId, 'algorithm', buildStep('exit 37'))
      expect(await waitForEnd(executor, jobId)).toMatchObject({ exitCode: 37, reason: null })
    })

    it('behaviour: shows the log while the step runs', async () => {
      const jobId = await prepareJob()
      await executor.start(jobId, 'algorithm', buildStep('echo first; sleep 30; echo last'))
      await waitForLog(jobId, 'first')
      expect((await executor.observe(jobId)).steps.algorithm.phase).toBe('running')
    })

    it('behaviour: the log of a step that never started is empty and ends', async () => {
      const jobId = await prepareJob()
      expect(await text(executor.logs(jobId, 'algorithm'))).toBe('')
    })

    it('behaviour: keeps no more of the log than asked, says so, and lets the step go on', async () => {
      const jobId = await prepareJob()
      const script = 'i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; exit 5'
      await executor.start(jobId, 'algorithm', buildStep(script, { logBytes: 1000 }))
      expect(await waitForEnd(executor, jobId)).toMatchObject({ exitCode: 5, reason: null })
      const log = await text(executor.logs(jobId, 'algorithm'))
      expect(log.length).toBeLessThan(1200)
      expect(log).toMatch(/log limit of 1000 bytes reached/)
    })

    it('behaviour: a step runs once, however often and by whomever it is started', async () => {
      const jobId = await prepareJob()
      const other = await tested.makeExecutor()
      const step = buildStep('echo run >> /data/outputs/count; sleep 0.3; cat /data/outputs/count')
      await Promise.all([executor, other, executor, other].map((each) => each.start(jobId, 'algorithm', step)))
      await waitForEnd(executor, jobId)
      await executor.start(jobId, 'algorithm', step)
      await new Promise((resolve) => setTimeout(resolve, 500))
      expect(await text(executor.logs(jobId, 'algorithm'))).toBe('run\n')
      await other.close()
    })

    it('behaviour: inputs can be discarded while outputs and logs stay', async () => {
      const jobId = await prepareJob()
      const look = 'ls /data/inputs /data/transformations /data/ddos'
      await executor.start(jobId, 'configure', {
        ...buildStep(''),
        kind: 'program',
        command: ['sh', '-c', 'for f in inputs transformations ddos outputs; do echo kept > "$VOLUME/$f/file"; done'],
      })
      expect(await waitForEnd(executor, jobId, 'configure')).toMatchObject({ exitCode: 0 })
      await executor.discardInputs(jobId)
      await executor.discardInputs(jobId)
      await executor.discardInputs(buildJobId())
      await executor.start(jobId, 'algorithm', buildStep(`${look}; cat /data/outputs/file`))
      await waitForEnd(executor, jobId)
      const log = await text(executor.logs(jobId, 'algorithm'))
      expect(log).toContain('kept')
      expect(log).not.toContain('file\n')
    })

    it('behaviour: lists the jobs it holds anything of', async () => {
      const [first, second] = [await prepareJob(), await prepareJob()]
      expect(await executor.list()).toEqual(expect.arrayContaining([first, second]))
      await executor.remove(first)
      expect(await executor.list()).not.toContain(first)
    })

    it('behaviour: tells that a job moved, to every engine, and stops telling when asked', async () => {
      const jobId = await prepareJob()
      const other = await tested.makeExecutor()
      const stop = new AbortController()
      let heard = 0
      const listening = (async () => {
        for await (const moved of other.changes(stop.signal)) if (moved === jobId) heard += 1
      })()
      await executor.start(jobId, 'algorithm', buildStep('sleep 0.5'))
      await waitUntil(() => heard >= 1)
      await waitForEnd(executor, jobId)
      await waitUntil(() => heard >= 2)
      await new Promise((resolve) => setTimeout(resolve, 200))
      expect(heard).toBeLessThan(6)
      stop.abort()
      await listening
      await other.close()
    })

    it('behaviour: another engine sees, reads and ends what the first one started', async () => {
      const jobId = await prepareJob()
      await executor.start(jobId, 'algorithm', buildStep('echo mine; sleep 60'))
      await waitForLog(jobId, 'mine')
      const other = await tested.makeExecutor()
      expect((await other.observe(jobId)).steps.algorithm.phase).toBe('running')
      await other.stop(jobId, 'algorithm', 'Stopped')
      expect(await waitForEnd(executor, jobId)).toMatchObject({ reason: 'Stopped' })
      expect(await text(other.logs(jobId, 'algorithm'))).toBe('mine\n')
      await other.close()
    })
  })
}
