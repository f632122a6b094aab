import type { RunLine } from './algorithm-source.ts'

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
  /** The token that a step's pod was given, if it is known: what a pod has that outlives its turn. */
  tokenOf(jobId: string, step: 'configure' | 'publish'): string | undefined
  close(): Promise<void>
}

/** What a witness has seen so far. */
export function createSeenRuns(): Pick<Witness, 'tell' | 'runsOf'> {
  const seen = new Map<string, Map<string, SeenRun>>()
  return {
    tell(jobId, lines) {
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
    },
    runsOf: (jobId) => [...(seen.get(jobId)?.values() ?? [])],
  }
}
