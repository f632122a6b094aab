import { STEPS, type Step } from '@c2d/contracts'
import type { StepEnded, StepState } from '../executor/executor.ts'

type Steps = Readonly<Record<Step, StepState>>

interface StepRecord {
  attempt: number
  /** Epoch milliseconds, by the clock of the machine that ran the step. */
  startedAtMs: number
  endedAtMs: number
}

/** What the timeline says of the step that a job leaves behind as it moves on; nothing unless it ended. */
export function describeStep(steps: Steps, step: Step | null): { step?: StepRecord & { name: Step } } {
  const state = step === null ? undefined : steps[step]
  return step !== null && state?.phase === 'ended' ? { step: { name: step, ...recordOf(state, 0) } } : {}
}

/**
 * When each step ran, and how long it lived in milliseconds; the rest of a job's time is ours.
 * @param nowMs the end of one that runs: what it was for is done
 */
export function describeSteps(
  steps: Steps,
  nowMs: number,
): {
  steps: Partial<Record<Step, StepRecord>>
  stepMs: Partial<Record<Step, number>>
} {
  const described: ReturnType<typeof describeSteps> = { steps: {}, stepMs: {} }
  for (const step of STEPS) {
    const state = steps[step]
    // A report that is here before its pod's start shows: it began when it was made, as nearly as anybody knows.
    const began =
      step === 'publish' && state.phase === 'waiting'
        ? ({ ...state, phase: 'running', startedAt: state.since } as const)
        : state
    if (began.phase !== 'ended' && began.phase !== 'running') continue
    const record = recordOf(began, nowMs)
    described.steps[step] = record
    described.stepMs[step] = record.endedAtMs - record.startedAtMs
  }
  return described
}

function recordOf(state: StepEnded | Extract<StepState, { phase: 'running' }>, nowMs: number): StepRecord {
  const { attempt, startedAt } = state
  const startedAtMs = startedAt.getTime()
  // Two clocks: nothing ends before it begins.
  const endedAtMs = state.phase === 'ended' ? state.endedAt.getTime() : Math.max(startedAtMs, nowMs)
  return { attempt, startedAtMs, endedAtMs }
}
