import { randomBytes } from 'node:crypto'
import type { Executor, StepEnded, StepName, StepSpec } from '../../src/executor/executor.ts'

/** What the conformance suite needs of an executor under test. */
export interface ExecutorUnderTest {
  /** Another instance over the same place each time it is called: what another engine would have. */
  makeExecutor(): Promise<Executor>
  /** How many processes, anywhere the executor may run them, have this text in their command line. */
  countProcesses(token: string): Promise<number>
  /** How long after the start of a step of one second, and one of grace, its backstop has ended it, in milliseconds. */
  readonly backstopMs: number
  close(): Promise<void>
}

/** A new job id. */
export function buildJobId(): string {
  return randomBytes(16).toString('hex')
}

/** An algorithm step that runs a shell script, with limits that no test meets by accident. */
export function buildStep(script: string, limits: Partial<StepSpec['limits']> = {}): StepSpec {
  return {
    kind: 'algorithm',
    command: ['sh', '-c', script],
    env: {},
    limits: {
      maxDurationSeconds: 60,
      memoryBytes: 512 * 1024 * 1024,
      workspaceBytes: 256 * 1024 * 1024,
      graceSeconds: 2,
      logBytes: 1024 * 1024,
      ...limits,
    },
  }
}

/** Asks again until `isTrue`, as nothing but the executor knows when. */
export async function waitUntil(isTrue: () => Promise<boolean> | boolean, timeoutMs = 20_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Waits for a step to end and gives how. */
export async function waitForEnd(executor: Executor, jobId: string, step: StepName = 'algorithm'): Promise<StepEnded> {
  let ended: StepEnded | undefined
  await waitUntil(async () => {
    const state = (await executor.observe(jobId)).steps[step]
    if (state.phase === 'ended') ended = state
    return ended !== undefined
  })
  if (ended === undefined) throw new Error('unreachable')
  return ended
}
