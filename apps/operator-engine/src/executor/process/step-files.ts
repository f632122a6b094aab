import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StepEndReason, StepName } from '../executor.ts'
import type { ProcessIdentity } from './process-table.ts'

/** Folders of a job's workspace, in the order they are made. */
export const DATA_FOLDERS = ['inputs', 'transformations', 'ddos', 'outputs', 'logs', 'adminlogs'] as const

const LOG_FILES: Record<StepName, string> = {
  configure: 'adminlogs/configure.log',
  algorithm: 'logs/algorithm.log',
  filter: 'adminlogs/filter.log',
  publish: 'adminlogs/publish.log',
}

/** Written when a step is taken, by link(2): whoever makes it exist owns the step, and it is whole the moment it exists. */
export interface StartedRecord {
  /** The runner that owns the step; null when the step was stopped before it could start. */
  readonly runner: ProcessIdentity | null
  readonly startedAt: string
  /** Why the step will never run; null when a runner owns it. */
  readonly never: 'Stopped' | 'TimedOut' | null
}

/** Written once when a step has ended. */
export interface EndedRecord {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly reason: StepEndReason | null
  readonly message: string | null
  readonly endedAt: string
}

/** Where everything of one step is. */
export interface StepPaths {
  readonly data: string
  readonly control: string
  readonly started: string
  readonly ended: string
  readonly stop: string
  readonly log: string
  readonly runnerLog: string
  readonly files: string
  readonly scratch: string
  /** Names all processes of this attempt, and of no other: whoever ends a lost one must not end the next. */
  readonly mark: string
}

/** What a step writes to: emptied before it is attempted again. Logs of our own steps are kept, one attempt after the other. */
export const WRITTEN_FOLDERS: Record<StepName, readonly (typeof DATA_FOLDERS)[number][]> = {
  configure: ['inputs', 'transformations', 'ddos'],
  algorithm: ['outputs', 'logs'],
  filter: [],
  publish: [],
}

/** The paths of one attempt of a step below a job's folder; pure. @param attempt from 1 */
export function buildStepPaths(jobFolder: string, step: StepName, attempt: number): StepPaths {
  const control = join(jobFolder, 'control', attempt === 1 ? step : `${step}.${attempt}`)
  const data = join(jobFolder, 'data')
  return {
    data,
    control,
    started: join(control, 'started.json'),
    ended: join(control, 'ended.json'),
    stop: join(control, 'stop.json'),
    log: join(data, LOG_FILES[step]),
    runnerLog: join(control, 'runner.log'),
    files: join(control, 'files'),
    scratch: join(control, 'root'),
    mark: `${jobFolder}/${step}/${attempt}/`,
  }
}

/**
 * Writes a record that only the first writer may write, all of it or nothing.
 * @returns whether this call was the first; false also when the folder is gone, as the job then is
 */
export async function writeOnce(path: string, record: object): Promise<boolean> {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
  try {
    await writeFile(temporary, JSON.stringify(record), { mode: 0o600, flag: 'wx' })
    await link(temporary, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' || code === 'ENOENT') return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

/** The parsed content of a record; null when there is none. */
export async function readRecord(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Makes the folder for a program step's private files and fills it. */
export async function writePrivateFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { mode: 0o700 })
  for (const [name, content] of Object.entries(files)) {
    if (!/^[A-Za-z0-9._-]+$/.test(name) || name === '.' || name === '..')
      throw new TypeError(`not a file name: ${name}`)
    await writeFile(join(folder, name), content, { mode: 0o600, flag: 'wx' })
  }
}
