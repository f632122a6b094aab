import { describe, expect, it } from '@jest/globals'
import type { StepState } from '../executor/executor.ts'
import { describeSteps } from './step-record.ts'

const absent: StepState = { phase: 'absent' }
const at = (ms: number) => new Date(ms)
const ended: StepState = {
  ...{ phase: 'ended', attempt: 1, exitCode: 0, signal: null, reason: null, message: null },
  ...{ startedAt: at(1_000), endedAt: at(3_500) },
}

describe('describeSteps', () => {
  it('tells when each step ran, and ends with now what is under way', () => {
    const running: StepState = { phase: 'running', attempt: 2, startedAt: at(4_000) }
    const steps = { configure: ended, algorithm: absent, filter: absent, publish: running }
    expect(describeSteps(steps, 4_600)).toEqual({
      steps: {
        configure: { attempt: 1, startedAtMs: 1_000, endedAtMs: 3_500 },
        publish: { attempt: 2, startedAtMs: 4_000, endedAtMs: 4_600 },
      },
      stepMs: { configure: 2_500, publish: 600 },
    })
  })

  it('behaviour: a publish pod whose report overtakes its start began when it was made', () => {
    const waiting: StepState = { phase: 'waiting', attempt: 1, since: at(4_000) }
    const steps = { configure: ended, algorithm: waiting, filter: absent, publish: waiting }
    expect(describeSteps(steps, 4_600).stepMs).toEqual({ configure: 2_500, publish: 600 })
  })
})
