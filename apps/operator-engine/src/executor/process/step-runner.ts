/**
 * Runs one step and outlives the engine that asked for it: takes the step, starts its command, keeps its output, watches its limits, and
 * writes down how it ended. A program of its own, started by the process executor with the order on its input; light on purpose.
 */
import { chownSync, mkdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { StepEndReason } from '../executor.ts'
import { announceMove } from './job-events.ts'
import { launch } from './launch.ts'
import { readIdentity } from './process-table.ts'
import type { RunnerOrder } from './runner-order.ts'
import { RUNNER_READY } from './runner-order.ts'
import type { EndedRecord, StartedRecord, StepPaths } from './step-files.ts'
import { WRITTEN_FOLDERS, buildStepPaths, readRecord, writeOnce, writePrivateFiles } from './step-files.ts'
import { createStepLog } from './step-log.ts'
import { findNamespaceInit, killMarked, killStep, terminateStep, waitUntilGone } from './step-processes.ts'
import { watchLimits } from './watch-limits.ts'
import { emptyFolder, tidyOutputs } from './workspace.ts'

/** How long to wait for output of processes that outlive the command, in milliseconds. */
const DRAIN_MS = 1000

type Ending = Omit<EndedRecord, 'endedAt'>

let onTerminate: () => void = () => undefined
let terminated = false
process.on('SIGTERM', () => {
  terminated = true
  onTerminate()
})
// The engine's terminal is not ours.
process.on('SIGHUP', () => undefined)
process.on('SIGINT', () => undefined)

async function readStopReason(paths: StepPaths): Promise<{ reason: StepEndReason; message: string | null } | null> {
  const asked = (await readRecord(paths.stop)) as { reason: StepEndReason } | null
  if (asked !== null) return { reason: asked.reason, message: null }
  // The machine or its service manager ends everything: not what anybody asked of this job.
  return terminated ? { reason: 'Lost', message: 'the step runner was told to end, not by the engine' } : null
}

async function runStep(order: RunnerOrder, paths: StepPaths): Promise<Ending> {
  const stopped = await readStopReason(paths)
  if (stopped !== null) return { exitCode: null, signal: null, ...stopped }
  // Here, where the attempt is surely ours and the one before it surely over.
  if (order.attempt > 1) for (const name of WRITTEN_FOLDERS[order.step]) await emptyFolder(join(paths.data, name))
  if (order.files !== null) await writePrivateFiles(paths.files, order.files)
  mkdirSync(paths.scratch, { recursive: true, mode: 0o700 })
  if (order.ownerId !== null)
    for (const folder of ['outputs', 'logs']) chownSync(join(paths.data, folder), order.ownerId, order.ownerId)

  const log = createStepLog(paths.log, join(paths.control, 'output.pipe'), order.limits.logBytes)
  const { child, entered } = launch(order.command, log.outputFd)
  log.handedOver()
  let spawnFailure: Error | null = null
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('error', (error) => {
      spawnFailure = error
      resolve({ code: null, signal: null })
    })
    child.once('exit', (code, signal) => {
      resolve({ code, signal })
    })
  })
  const { pid } = child
  const identity = pid === undefined ? null : readIdentity(pid)
  let broken: { reason: StepEndReason; message: string | null } | null = null
  let isEntered = false
  let killTimer: NodeJS.Timeout | undefined
  let init: ReturnType<typeof findNamespaceInit> = null
  const kill = () => {
    if (identity === null) return
    init ??= findNamespaceInit(identity.pid)
    killStep(identity.pid)
  }
  const watch =
    identity === null
      ? null
      : watchLimits(order, paths.data, identity.pid, (reason, message) => {
          broken ??= { reason, message }
          kill()
        })
  onTerminate = () => {
    void readStopReason(paths).then((asked) => {
      if (broken !== null || identity === null) return
      broken = asked
      if (!isEntered) {
        // Its sandbox is still being built: there is nobody yet to be polite to.
        kill()
        return
      }
      terminateStep(identity.pid, order.command.isolated)
      killTimer = setTimeout(kill, order.limits.graceSeconds * 1000)
    })
  }
  // A stop that came between the look at its file and this line has been signalled, or its file is there now.
  if (terminated || (await readRecord(paths.stop)) !== null) onTerminate()

  isEntered = await entered
  if (identity !== null) init ??= findNamespaceInit(identity.pid)
  const exit = await exited
  clearTimeout(killTimer)
  onTerminate = () => undefined
  watch?.close()
  // Whatever it left behind goes with it: its group, its namespace, and without one whatever carries its mark.
  if (pid !== undefined) killStep(pid)
  if (init !== null) await waitUntilGone(init)
  if (!order.command.isolated) await killMarked(paths.mark)
  await log.finish(DRAIN_MS)

  const ending = { exitCode: exit.code, signal: exit.signal }
  const brokenBy = broken as { reason: StepEndReason; message: string | null } | null // set by callbacks
  if (brokenBy !== null) return { ...ending, ...brokenBy }
  if (!isEntered) {
    const detail = (spawnFailure as Error | null)?.message ?? log.tail()
    return { ...ending, reason: 'StartFailed', message: `the command could not be started: ${detail}` }
  }
  if (exit.code !== 0 && (await watch?.isWorkspaceFull()))
    return {
      ...ending,
      reason: 'WorkspaceFull',
      message: `the workspace's ${order.limits.workspaceBytes} bytes are used up`,
    }
  return { ...ending, reason: null, message: null }
}

function sayReady(): void {
  try {
    writeSync(1, RUNNER_READY)
  } catch {
    // The engine that asked is gone; the step goes on.
  }
}

async function main(): Promise<void> {
  const order = JSON.parse(await text(process.stdin)) as RunnerOrder
  const paths = buildStepPaths(join(order.root, order.jobId), order.step, order.attempt)
  const runner = readIdentity(process.pid)
  if (runner === null) throw new Error('/proc is not available')
  const started: StartedRecord = { runner, startedAt: new Date().toISOString(), never: null }
  const isOurs = await writeOnce(paths.started, started)
  sayReady()
  if (!isOurs) return
  await announceMove(order.root, order.jobId)
  let ending: Ending
  try {
    ending = await runStep(order, paths)
    if (order.untrusted) for (const folder of ['outputs', 'logs']) await tidyOutputs(join(paths.data, folder))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    ending = { exitCode: null, signal: null, reason: 'StartFailed', message }
  }
  rmSync(paths.files, { recursive: true, force: true })
  await writeOnce(paths.ended, { ...ending, endedAt: new Date().toISOString() } satisfies EndedRecord)
  await announceMove(order.root, order.jobId)
}

await main()
// Processes that left the step's group may still hold its output open; nobody waits for them.
process.exit(0)
