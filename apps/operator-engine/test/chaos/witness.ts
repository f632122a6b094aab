import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { STEP_FILE, stepReportSchema } from '@c2d/contracts'
import { parseRuns, type RunLine } from './algorithm-source.ts'

const LOOK_EVERY_MS = 25

/** One life of an algorithm as it was seen. */
export interface SeenRun {
  begunMs: number
  lastMs: number
  isDone: boolean
  /** It found the lock of another life in its outputs. */
  hasOverlapped: boolean
}

/** Watches from outside every life of every algorithm, also in a workspace that is made again after its removal. */
export interface Witness {
  /** Adds what is known from elsewhere, such as the published file. */
  tell(jobId: string, lines: readonly RunLine[]): void
  /** The lives of a job's algorithm, by their own names. */
  runsOf(jobId: string): SeenRun[]
  /** The token that a step's pod was given, if it was seen: what a pod has that outlives its turn. */
  tokenOf(jobId: string, step: string): string | undefined
  close(): Promise<void>
}

/** @param workspaces the engine's folder of jobs */
export function startWitness(workspaces: string): Witness {
  const seen = new Map<string, Map<string, SeenRun>>()
  const tokens = new Map<string, string>()
  let isOpen = true

  function tell(jobId: string, lines: readonly RunLine[]): void {
    const runs = seen.get(jobId) ?? new Map<string, SeenRun>()
    seen.set(jobId, runs)
    for (const { run, what, atMs } of lines) {
      const known = runs.get(run) ?? { begunMs: atMs, lastMs: atMs, isDone: false, hasOverlapped: false }
      known.begunMs = Math.min(known.begunMs, atMs)
      known.lastMs = Math.max(known.lastMs, atMs)
      known.isDone ||= what === 'done'
      known.hasOverlapped ||= what === 'overlapped'
      runs.set(run, known)
    }
  }

  async function lookForToken(jobId: string, step: string): Promise<void> {
    const path = join(workspaces, jobId, 'control', step, 'files', STEP_FILE.report)
    const text = await readFile(path, 'utf8').catch(() => '')
    if (!text.endsWith('}')) return // not there, or not whole yet
    tokens.set(`${jobId} ${step}`, stepReportSchema.parse(JSON.parse(text)).token)
  }

  async function watch(): Promise<void> {
    while (isOpen) {
      for (const name of await readdir(workspaces).catch(() => [])) {
        // Folders on their way out are named after their job too.
        const jobId = /[0-9a-f]{32}/.exec(name)?.[0]
        if (!jobId) continue
        const text = await readFile(join(workspaces, name, 'data/outputs/runs'), 'utf8').catch(() => '')
        if (text) tell(jobId, parseRuns(text))
        for (const step of ['configure', 'publish']) await lookForToken(jobId, step)
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }
  const watching = watch()

  return {
    tell,
    tokenOf: (jobId, step) => tokens.get(`${jobId} ${step}`),
    runsOf: (jobId) => [...(seen.get(jobId)?.values() ?? [])],
    async close() {
      isOpen = false
      await watching
    },
  }
}
