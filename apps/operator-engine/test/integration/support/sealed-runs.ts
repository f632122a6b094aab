import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { StepEnded, StepSpec } from '../../../src/executor/executor.ts'
import { detectSandbox } from '../../../src/executor/sandbox/detect-sandbox.ts'
import { setUpProcess } from '../executor-process-setup.ts'
import { buildJobId, buildStep, waitForEnd } from '../steps-under-test.ts'

/** Algorithms that run sealed on this machine, one after the other. */
export interface SealedRuns {
  /** Folder of the workspaces. */
  readonly root: string
  /** A job that is prepared, and removed by `clear`. */
  prepare(): Promise<string>
  /** Runs a script as the algorithm of a job of its own, to its end. @param algorithm text of the file that is its algorithm */
  run(
    script: string,
    limits?: Partial<StepSpec['limits']>,
    algorithm?: string,
  ): Promise<{ jobId: string; ended: StepEnded; log: string }>
  /** Runs a program of Node, and gives what it says. */
  runNode(code: string): Promise<string>
  /** Removes the jobs so far. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** Opens a place for sealed runs in a sandbox of this kind. */
export async function openSealedRuns(kind: 'bubblewrap' | 'unshare'): Promise<SealedRuns> {
  const setup = await setUpProcess(await detectSandbox({ allowUnsandboxed: false, kinds: [kind] }))
  const executor = await setup.makeExecutor()
  const jobs: string[] = []
  const runs: SealedRuns = {
    root: setup.root,
    async prepare() {
      const jobId = buildJobId()
      jobs.push(jobId)
      await executor.prepare(jobId)
      return jobId
    },
    async run(script, limits = {}, algorithm = '') {
      const jobId = await runs.prepare()
      const at = (...path: string[]) => join(setup.root, jobId, 'data', ...path)
      await writeFile(at('transformations', 'algorithm'), algorithm)
      await writeFile(at('inputs', 'dataset'), 'data')
      await executor.start(jobId, 'algorithm', buildStep(script, limits))
      const ended = await waitForEnd(executor, jobId)
      return { jobId, ended, log: await text(executor.logs(jobId, 'algorithm')) }
    },
    runNode: async (code) => (await runs.run('node /data/transformations/algorithm', {}, code)).log.trim(),
    async clear() {
      for (const jobId of jobs.splice(0)) await executor.remove(jobId)
    },
    async close() {
      await executor.close()
      await setup.close()
    },
  }
  return runs
}
