import type { StepEnded } from './executor/executor.ts'
import { POD_MAX_SECONDS } from './steps/pod-steps.ts'

/** Pauses before the second and the third attempt to publish, in milliseconds. */
const PUBLISH_PAUSES_MS = [1_000, 10_000]

/** How often publishing is attempted in all. */
export const PUBLISH_ATTEMPTS = PUBLISH_PAUSES_MS.length + 1

/**
 * When an algorithm's time is over: its environment's limit, counted from its own start, or the end of what was paid
 * for, whichever comes first (DESIGN §4.13).
 */
export function algorithmDeadlineMs(
  startedAtMs: number,
  maxDurationSeconds: number,
  validUntil: number | null,
): number {
  return Math.min(startedAtMs + maxDurationSeconds * 1000, paidUntilMs(validUntil))
}

/** When provisioning is given up: our own limit, or the end of what was paid for. */
export function configureDeadlineMs(startedAtMs: number, validUntil: number | null): number {
  return Math.min(startedAtMs + POD_MAX_SECONDS.configure * 1000, paidUntilMs(validUntil))
}

/** When publishing is given up; what was paid for has no say in it: results are owed. */
export function publishDeadlineMs(startedAtMs: number): number {
  return startedAtMs + POD_MAX_SECONDS.publish * 1000
}

/** When publishing is attempted again after an attempt that failed. */
export function publishAgainMs(failed: StepEnded): number {
  return failed.endedAt.getTime() + (PUBLISH_PAUSES_MS[failed.attempt - 1] ?? 0)
}

/**
 * Epoch milliseconds at which what was paid for ends; infinity where nothing was said.
 * @param validUntil epoch seconds
 */
export function paidUntilMs(validUntil: number | null): number {
  return validUntil ? validUntil * 1000 : Infinity
}
