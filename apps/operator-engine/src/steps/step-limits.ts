import type { StepSpec } from '../executor/executor.ts'
import type { EnvironmentConfig } from '../config.ts'

const GIB = 1024 ** 3
const GRACE_SECONDS = 5
const LOG_BYTES = 10 * 1024 ** 2

/** What a step of an environment may use. @param maxDurationSeconds the backstop; the engine itself stops on time */
export function stepLimits(environment: EnvironmentConfig, maxDurationSeconds: number): StepSpec['limits'] {
  return {
    maxDurationSeconds,
    memoryBytes: Math.round(environment.ramGB * GIB),
    workspaceBytes: Math.round(environment.diskGB * GIB),
    graceSeconds: GRACE_SECONDS,
    logBytes: LOG_BYTES,
  }
}
