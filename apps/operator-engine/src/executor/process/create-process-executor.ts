import { randomUUID } from 'node:crypto'
import { access, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Executor, JobState, StepName, StepSpec, StepState } from '../executor.ts'
import { STEP_NAMES } from '../executor.ts'
import { assertJobId, isJobId } from '../job-id.ts'
import { findProgram } from '../sandbox/host-facts.ts'
import type { Interpreter } from '../sandbox/interpreters.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import { buildRunnerOrder } from './build-order.ts'
import { followLog } from './follow-log.ts'
import { EVENTS_FOLDER, announceMove, watchMoves } from './job-events.ts'
import { isAlive, sendSignal } from './process-table.ts'
import type { RunnerOrder } from './runner-order.ts'
import type { EndedRecord, StartedRecord } from './step-files.ts'
import { DATA_FOLDERS, WRITTEN_FOLDERS, buildStepPaths, readRecord, writeOnce } from './step-files.ts'
import { startRunner } from './start-runner.ts'
import { killMarked } from './step-processes.ts'
import { deleteTree, emptyFolder } from './workspace.ts'

const REMOVING = '.removing-'

/** Where and how the process executor runs steps. */
export interface ProcessExecutorOptions {
  /** Folder for all jobs; made if it is not there. Two engines that share it share the jobs. */
  readonly root: string
  readonly sandbox: Sandbox
  /** What algorithms may be written in, as found by `detectInterpreters`. */
  readonly interpreters: readonly Interpreter[]
  /** Most processes and threads of one algorithm at a time; default 256. */
  readonly maxProcesses?: number
  /** Size of an algorithm's private `/tmp`, in bytes; default 64 MiB. */
  readonly tmpBytes?: number
  /** The compiled step runner; default the one beside this file. */
  readonly runnerPath?: string
}

/**
 * Runs steps as child processes of this machine (DESIGN §5, `process`): one folder per job, one small runner per step that outlives the
 * engine. The truth is on disk; see `step-files.ts` for who writes what.
 * @throws Error when the root cannot be made
 */
export async function createProcessExecutor(options: ProcessExecutorOptions): Promise<Executor> {
  const { sandbox } = options
  const root = resolve(options.root)
  const runnerPath = options.runnerPath ?? fileURLToPath(new URL('./step-runner.js', import.meta.url))
  const closing = new AbortController()
  await mkdir(join(root, EVENTS_FOLDER), { recursive: true, mode: 0o700 })
  const setpriv = await findProgram('setpriv')

  const findPaths = (jobId: string, step: StepName, attempt: number) => buildStepPaths(join(root, jobId), step, attempt)

  const buildOrder = (jobId: string, step: StepName, spec: StepSpec, attempt: number): RunnerOrder =>
    buildRunnerOrder(
      { root, jobId, step, spec, attempt, paths: findPaths(jobId, step, attempt) },
      { ...options, setpriv },
    )

  /** The latest attempt: the next one can only begin when one has ended. */
  async function observeStep(jobId: string, step: StepName): Promise<StepState> {
    let latest = await observeAttempt(jobId, step, 1)
    while (latest.phase === 'ended') {
      const next = await observeAttempt(jobId, step, latest.attempt + 1)
      if (next.phase === 'absent') break
      latest = next
    }
    return latest
  }

  async function observeAttempt(jobId: string, step: StepName, attempt: number): Promise<StepState> {
    const paths = findPaths(jobId, step, attempt)
    const started = (await readRecord(paths.started)) as StartedRecord | null
    if (started === null) return { phase: 'absent' }
    const startedAt = new Date(started.startedAt)
    if (started.runner === null)
      return {
        phase: 'ended',
        attempt,
        exitCode: null,
        signal: null,
        reason: started.never,
        message: null,
        startedAt,
        endedAt: startedAt,
      }
    // In this order: a runner that ends between the two looks has written its record before.
    const alive = isAlive(started.runner)
    let ended = (await readRecord(paths.ended)) as EndedRecord | null
    if (ended === null && alive) return { phase: 'running', attempt, startedAt }
    if (ended === null) {
      await killMarked(paths.mark)
      const message = 'the step runner disappeared with the exit code'
      const lost = { exitCode: null, signal: null, reason: 'Lost', message, endedAt: new Date().toISOString() } as const
      // Told by whoever wrote it: a job that was removed meanwhile must leave no trace.
      if (await writeOnce(paths.ended, lost satisfies EndedRecord)) await announceMove(root, jobId)
      ended = ((await readRecord(paths.ended)) as EndedRecord | null) ?? lost
    }
    return { phase: 'ended', attempt, ...ended, startedAt, endedAt: new Date(ended.endedAt) }
  }

  async function isPrepared(jobId: string): Promise<boolean> {
    return access(join(root, jobId, 'control', 'prepared')).then(
      () => true,
      () => false,
    )
  }

  async function purge(folder: string, jobFolder: string): Promise<void> {
    await killMarked(`${jobFolder}/`)
    await deleteTree(folder)
  }

  // Removals that an engine did not live to finish: they have lost their name already, so nothing else refers to them.
  for (const name of await readdir(root))
    if (name.startsWith(REMOVING)) await purge(join(root, name), join(root, name.slice(REMOVING.length).slice(0, 32)))

  return {
    name: 'process',

    async prepare(jobId) {
      assertJobId(jobId)
      const folder = join(root, jobId)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of DATA_FOLDERS) await mkdir(join(folder, 'data', name), { recursive: true, mode: 0o755 })
      for (const step of STEP_NAMES) await mkdir(findPaths(jobId, step, 1).control, { recursive: true, mode: 0o700 })
      await writeOnce(join(folder, 'control', 'prepared'), {})
    },

    async start(jobId, step, spec, attempt = 1) {
      assertJobId(jobId)
      if (!(await isPrepared(jobId))) throw new Error(`job ${jobId} is not prepared`)
      const paths = findPaths(jobId, step, attempt)
      if ((await readRecord(paths.started)) !== null) return
      if (attempt > 1) {
        if ((await observeAttempt(jobId, step, attempt - 1)).phase !== 'ended')
          throw new Error(`attempt ${attempt - 1} of step ${step} of job ${jobId} has not ended`)
        await makeAttemptFolder(paths.control)
      }
      const output = await open(paths.runnerLog, 'a', 0o600)
      try {
        await startRunner(runnerPath, buildOrder(jobId, step, spec, attempt), paths, output)
      } finally {
        await output.close()
      }
    },

    async observe(jobId): Promise<JobState> {
      assertJobId(jobId)
      const [configure, algorithm, filter, publish] = await Promise.all(
        STEP_NAMES.map((step) => observeStep(jobId, step)),
      )
      const absent: StepState = { phase: 'absent' }
      return {
        prepared: await isPrepared(jobId),
        steps: {
          configure: configure ?? absent,
          algorithm: algorithm ?? absent,
          filter: filter ?? absent,
          publish: publish ?? absent,
        },
      }
    },

    logs(jobId, step) {
      assertJobId(jobId)
      // One attempt's output, never two in a row: the next one begins with its log emptied.
      let attempt: number | undefined
      const isOver = async () => {
        const state =
          attempt === undefined ? await observeStep(jobId, step) : await observeAttempt(jobId, step, attempt)
        if (state.phase !== 'absent') attempt = state.attempt
        return state.phase !== 'running'
      }
      return Readable.from(followLog(findPaths(jobId, step, 1).log, isOver), { objectMode: false })
    },

    async stop(jobId, step, reason, attempt = 1) {
      assertJobId(jobId)
      const paths = findPaths(jobId, step, attempt)
      if (attempt > 1 && (await isPrepared(jobId))) await makeAttemptFolder(paths.control)
      const never: StartedRecord = { runner: null, startedAt: new Date().toISOString(), never: reason }
      if (await writeOnce(paths.started, never)) {
        await announceMove(root, jobId)
        return
      }
      const started = (await readRecord(paths.started)) as StartedRecord | null
      if (!started?.runner) return
      // First the file, then the signal: a runner that is not listening yet reads the file before it starts anything.
      const isFirst = await writeOnce(paths.stop, { reason })
      if (isFirst && isAlive(started.runner)) sendSignal(started.runner.pid, 'SIGTERM')
    },

    async discardInputs(jobId) {
      assertJobId(jobId)
      for (const name of WRITTEN_FOLDERS.configure) await emptyFolder(join(root, jobId, 'data', name))
    },

    async remove(jobId) {
      assertJobId(jobId)
      const folder = join(root, jobId)
      const removed = join(root, `${REMOVING}${jobId}-${randomUUID()}`)
      try {
        // Without its name no runner can take a step of it any more.
        await rename(folder, removed)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
      await purge(removed, folder)
      await rm(join(root, EVENTS_FOLDER, jobId), { force: true })
    },

    changes: (signal) => watchMoves(root, signal ? AbortSignal.any([signal, closing.signal]) : closing.signal),

    async list() {
      // A hint may be left by a runner or an engine that was late: it is something of the job too.
      const names = await Promise.all([root, join(root, EVENTS_FOLDER)].map((folder) => readdir(folder)))
      return [...new Set(names.flat().filter(isJobId))]
    },

    close() {
      closing.abort()
      return Promise.resolve()
    },

    describe: () => `process executor, algorithms ${sandbox.description}`,
  }
}

/** The folder of an attempt after the first; those of the first are made with the job. @throws Error when the job is gone */
async function makeAttemptFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
