import type { StepLimits, StepName } from '../executor.ts'
import type { LaunchCommand } from '../sandbox/sandbox.ts'

/** What the executor writes to a step runner's input, as JSON: never to disk, as the environment may hold secrets. */
export interface RunnerOrder {
  readonly root: string
  readonly jobId: string
  readonly step: StepName
  /** Which attempt of the step, from 1. */
  readonly attempt: number
  readonly command: LaunchCommand
  /** Private files to make before the command starts; null for none. */
  readonly files: Readonly<Record<string, string>> | null
  readonly limits: StepLimits
  /** Most processes and threads at a time. */
  readonly maxProcesses: number
  /** Whether the command is a stranger's: its workspace is measured, its outputs are made harmless afterwards. */
  readonly untrusted: boolean
  /** Who must own the folders that the command writes to; null to leave them. */
  readonly ownerId: number | null
}

/** What a runner writes to its output when the step is its own, or another runner's. */
export const RUNNER_READY = 'ready\n'
