import { text } from 'node:stream/consumers'
import { describe, expect, it } from '@jest/globals'
import type { Executor } from '../../src/executor/executor.ts'
import { buildJobId, buildStep, waitForEnd, type ExecutorUnderTest } from './steps-under-test.ts'

/** What the suite around it has at hand when a test runs. */
export interface Conformance {
  tested: () => ExecutorUnderTest
  executor: () => Executor
  prepareJob: () => Promise<string>
  /** Reads an algorithm's log until a word comes. */
  waitForLog: (jobId: string, word: string) => Promise<void>
}

/** The part of what every executor promises that is about ends: of attempts, on demand, by themselves, and of everything. */
export function describeEnds({ executor, prepareJob, tested, waitForLog }: Conformance): void {
  describe('the ends of steps', () => {
    it('behaviour: another attempt starts once the one before has ended, from emptied outputs, and runs once', async () => {
      const jobId = await prepareJob()
      const other = await tested().makeExecutor()
      const step = buildStep('echo run >> /data/outputs/count; mkdir /data/outputs/d; sleep 2; cat /data/outputs/count')
      await executor().start(jobId, 'algorithm', step)
      await expect(executor().start(jobId, 'algorithm', step, 2)).rejects.toThrow('has not ended')
      expect(await waitForEnd(executor(), jobId)).toMatchObject({ attempt: 1, exitCode: 0 })
      await Promise.all([executor(), other, executor()].map((each) => each.start(jobId, 'algorithm', step, 2)))
      expect((await executor().observe(jobId)).steps.algorithm).toMatchObject({ attempt: 2 })
      expect(await waitForEnd(other, jobId)).toMatchObject({ attempt: 2, exitCode: 0 })
      expect(await text(executor().logs(jobId, 'algorithm'))).toBe('run\n')
      // Whoever is late asks for an attempt that has been.
      await executor().start(jobId, 'algorithm', step, 1)
      expect((await executor().observe(jobId)).steps.algorithm).toMatchObject({ phase: 'ended', attempt: 2 })
      await other.close()
    })

    it('behaviour: an attempt that is stopped before its start never starts', async () => {
      const jobId = await prepareJob()
      await executor().start(jobId, 'algorithm', buildStep('exit 3'))
      await waitForEnd(executor(), jobId)
      await executor().stop(jobId, 'algorithm', 'Stopped', 2)
      await executor().start(jobId, 'algorithm', buildStep('echo ran'), 2)
      expect(await waitForEnd(executor(), jobId)).toMatchObject({ attempt: 2, exitCode: null, reason: 'Stopped' })
    })

    it('behaviour: a stopped step may say goodbye', async () => {
      const jobId = await prepareJob()
      await executor().start(
        jobId,
        'algorithm',
        buildStep(`trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.1; done`),
      )
      await waitForLog(jobId, 'ready')
      await executor().stop(jobId, 'algorithm', 'Stopped')
      await executor().stop(jobId, 'algorithm', 'TimedOut')
      expect(await waitForEnd(executor(), jobId)).toMatchObject({ exitCode: 9, reason: 'Stopped' })
      expect(await text(executor().logs(jobId, 'algorithm'))).toContain('bye')
    })

    it('behaviour: a step that ignores the polite end is killed after its grace', async () => {
      const jobId = await prepareJob()
      const token = `stubborn_${buildJobId()}`
      const script = `trap '' TERM; echo ready; : ${token}; while :; do sleep 1; done`
      await executor().start(jobId, 'algorithm', buildStep(script, { graceSeconds: 1 }))
      await waitForLog(jobId, 'ready')
      expect(await tested().countProcesses(token)).toBeGreaterThan(0)
      await executor().stop(jobId, 'algorithm', 'TimedOut')
      const ended = await waitForEnd(executor(), jobId)
      expect(ended.reason).toBe('TimedOut')
      expect(ended.exitCode).not.toBe(0)
      expect(await tested().countProcesses(token)).toBe(0)
    })

    it('behaviour: a step that is stopped before its start never starts', async () => {
      const jobId = await prepareJob()
      await executor().stop(jobId, 'algorithm', 'Stopped')
      await executor().start(jobId, 'algorithm', buildStep('echo ran'))
      expect(await waitForEnd(executor(), jobId)).toMatchObject({ exitCode: null, reason: 'Stopped' })
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(await text(executor().logs(jobId, 'algorithm'))).toBe('')
    })

    it('behaviour: stopping what has ended changes nothing', async () => {
      const jobId = await prepareJob()
      await executor().start(jobId, 'algorithm', buildStep('exit 3'))
      const ended = await waitForEnd(executor(), jobId)
      await executor().stop(jobId, 'algorithm', 'Stopped')
      expect((await executor().observe(jobId)).steps.algorithm).toEqual(ended)
    })

    it('behaviour: without any engine a step still ends, by its own backstop', async () => {
      const jobId = await prepareJob()
      await executor().start(jobId, 'algorithm', buildStep('sleep 60', { maxDurationSeconds: 1, graceSeconds: 1 }))
      const ended = await waitForEnd(executor(), jobId)
      expect(ended.reason).toBe('TimedOut')
      expect(ended.endedAt.getTime() - ended.startedAt.getTime()).toBeLessThanOrEqual(tested().backstopMs)
    })

    it('behaviour: removing a running job leaves no process and nothing to see', async () => {
      const jobId = await prepareJob()
      const token = `removed_${buildJobId()}`
      const script = `trap '' TERM; mkdir -p /data/outputs/a/b; echo x > /data/outputs/a/b/f; chmod 0 /data/outputs/a; echo ready; : ${token}; sleep 60; :`
      await executor().start(jobId, 'algorithm', buildStep(script))
      await waitForLog(jobId, 'ready')
      await executor().remove(jobId)
      expect(await tested().countProcesses(token)).toBe(0)
      expect(await executor().list()).not.toContain(jobId)
      expect((await executor().observe(jobId)).prepared).toBe(false)
      await executor().remove(jobId)
      await executor().remove(buildJobId())
    })
  })
}
