import { spawn } from 'node:child_process'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { STEP_MARK } from '../sandbox/sandbox.ts'
import { RUNNER_READY, type RunnerOrder } from './runner-order.ts'
import type { StepPaths } from './step-files.ts'

/**
 * Starts a runner and waits until it, or another one before it, has taken the step.
 * @throws Error when this machine cannot start it
 */
export async function startRunner(
  runnerPath: string,
  order: RunnerOrder,
  paths: StepPaths,
  output: FileHandle,
): Promise<void> {
  const runner = spawn(process.execPath, ['--max-old-space-size=64', runnerPath], {
    cwd: '/',
    // Found by a removal of the job, but not among the step's own processes.
    env: { [STEP_MARK]: `${join(order.root, order.jobId)}/runner` },
    detached: true,
    stdio: ['pipe', 'pipe', output.fd],
  })
  runner.unref()
  const { stdin, stdout } = runner
  if (stdin === null || stdout === null) throw new Error('the step runner has no pipes')
  // Broken pipes are told by the runner's exit.
  stdin.on('error', () => undefined)
  stdin.end(JSON.stringify(order))
  await new Promise<void>((resolvePromise, reject) => {
    let said = ''
    runner.once('error', reject)
    runner.once('exit', (code, signal) => {
      if (said !== RUNNER_READY)
        reject(new Error(`the step runner ended with ${signal ?? code}; see ${paths.runnerLog}`))
    })
    stdout.setEncoding('utf8')
    stdout.on('data', (part: string) => {
      said += part
      if (said !== RUNNER_READY) return
      stdout.destroy()
      resolvePromise()
    })
  })
}
