import { describe, expect, it } from '@jest/globals'
import type { StepState } from './executor/executor.ts'
import { NOW_MS, ended, decideIn, running, stop, waiting, type DecisionTable } from './testing/decision-table.ts'

const receipt = { sealed: false, egress: 'none' as const, probes: [], rounds: 0, durationMs: 20_000 }

const TABLE: DecisionTable = {
  'the algorithm is started once the row says so': {
    given: { status: 'running', steps: { configure: ended(0) } },
    want: { do: 'start', step: 'algorithm', attempt: 1 },
  },
  'a running algorithm is waited for until its deadline': {
    given: { status: 'running', steps: { algorithm: running(NOW_MS - 1000) } },
    want: { do: 'wait', untilMs: NOW_MS - 1000 + 60_000 },
  },
  'what was paid for ends before the environment does': {
    given: {
      status: 'running',
      job: { validUntil: NOW_MS / 1000 + 10 },
      steps: { algorithm: running(NOW_MS - 1000) },
    },
    want: { do: 'wait', untilMs: NOW_MS + 10_000 },
  },
  'an algorithm past its deadline is stopped': {
    given: { status: 'running', steps: { algorithm: running(NOW_MS - 60_000) } },
    want: { do: 'stop', step: 'algorithm', attempt: 1, reason: 'TimedOut' },
  },
  'an algorithm that is not paid for any longer never begins': {
    given: { status: 'running', job: { validUntil: NOW_MS / 1000 } },
    want: { do: 'stop', step: 'algorithm', attempt: 1, reason: 'TimedOut' },
  },
  'a job whose workspace vanished while it ran says so': {
    given: { status: 'running', prepared: false },
    want: { do: 'advance', from: 'running', to: 'publishing', outcome: { reason: 'StepLost' } },
  },
  'a good end goes to publishing without a reason': {
    given: { status: 'running', steps: { algorithm: ended(0) } },
    want: { do: 'advance', from: 'running', to: 'publishing', outcome: { exitCode: 0 } },
  },
  'an exit code counts': {
    given: { status: 'running', steps: { algorithm: ended(3) } },
    want: { do: 'advance', from: 'running', to: 'publishing', outcome: { exitCode: 3, reason: 'AlgorithmFailed' } },
  },
  'time over is kept in the row as the original keeps it': {
    given: { status: 'running', steps: { algorithm: ended(137, 'TimedOut') } },
    want: {
      do: 'advance',
      from: 'running',
      to: 'publishing',
      outcome: { exitCode: 137, reason: 'TimedOut', stopRequest: 2 },
    },
  },
  'an algorithm that was lost to a disruption is run once more': {
    given: { status: 'running', steps: { algorithm: ended(null, 'Lost') } },
    want: { do: 'start', step: 'algorithm', attempt: 2 },
  },
  'an algorithm that was evicted is run once more': {
    given: { status: 'running', steps: { algorithm: ended(null, 'Evicted') } },
    want: { do: 'start', step: 'algorithm', attempt: 2 },
  },
  'an algorithm that was evicted again says so': {
    given: { status: 'running', steps: { algorithm: ended(null, 'Evicted', 2) } },
    want: { do: 'advance', from: 'running', to: 'publishing', outcome: { exitCode: null, reason: 'Evicted' } },
  },
  'an image that cannot be pulled is a reason, and no disruption': {
    given: { status: 'running', steps: { algorithm: ended(null, 'ImagePullFailed') } },
    want: { do: 'advance', from: 'running', to: 'publishing', outcome: { exitCode: null, reason: 'ImagePullFailed' } },
  },
  'a network that is not sealed is a reason; what was seen is kept': {
    given: { status: 'running', steps: { algorithm: { ...ended(null, 'NetworkNotSealed'), receipt } as StepState } },
    want: {
      do: 'advance',
      from: 'running',
      to: 'publishing',
      outcome: { exitCode: null, reason: 'NetworkNotSealed', isolation: receipt },
    },
  },
  'what sealed off an algorithm that ended well is kept too': {
    given: {
      status: 'running',
      steps: { algorithm: { ...ended(0), receipt: { ...receipt, sealed: true } } as StepState },
    },
    want: {
      do: 'advance',
      from: 'running',
      to: 'publishing',
      outcome: { exitCode: 0, isolation: { ...receipt, sealed: true } },
    },
  },
  'waiting costs an algorithm nothing of its own time': {
    given: { status: 'running', steps: { algorithm: waiting(NOW_MS - 600_000) } },
    want: { do: 'wait', untilMs: null },
  },
  'but what is paid for ends while it waits as well': {
    given: { status: 'running', job: { validUntil: NOW_MS / 1000 + 10 }, steps: { algorithm: waiting() } },
    want: { do: 'wait', untilMs: NOW_MS + 10_000 },
  },
  'stop while the algorithm waits for its start': {
    given: { status: 'running', job: stop, steps: { algorithm: waiting(NOW_MS, 2) } },
    want: { do: 'stop', step: 'algorithm', attempt: 2, reason: 'Stopped' },
  },
  'the second attempt has its own time': {
    given: { status: 'running', steps: { algorithm: running(NOW_MS, 2) } },
    want: { do: 'wait', untilMs: NOW_MS + 60_000 },
  },
  'the second attempt is the one that is stopped': {
    given: { status: 'running', steps: { algorithm: running(NOW_MS - 60_000, 2) } },
    want: { do: 'stop', step: 'algorithm', attempt: 2, reason: 'TimedOut' },
  },
  'the author’s own failure is never retried': {
    given: { status: 'running', steps: { algorithm: ended(137, 'OutOfMemory') } },
    want: { do: 'advance', from: 'running', to: 'publishing', outcome: { exitCode: 137, reason: 'OutOfMemory' } },
  },
  'an algorithm that was lost and is to be stopped does not begin again': {
    given: { status: 'running', job: { stopRequest: 1 }, steps: { algorithm: ended(null, 'Lost') } },
    want: { do: 'stop', step: 'algorithm', attempt: 2, reason: 'Stopped' },
  },
  'an attempt that never began ends as it was stopped': {
    given: { status: 'running', job: { stopRequest: 1 }, steps: { algorithm: ended(null, 'Stopped', 2) } },
    want: { do: 'advance', from: 'running', to: 'publishing', outcome: { exitCode: null, reason: 'Stopped' } },
  },
  'an algorithm that was lost again says so': {
    given: { status: 'running', steps: { algorithm: ended(null, 'Lost', 2) } },
    want: { do: 'advance', from: 'running', to: 'publishing', outcome: { exitCode: null, reason: 'StepLost' } },
  },
  'stop before the algorithm began: it never begins': {
    given: { status: 'running', job: stop },
    want: { do: 'stop', step: 'algorithm', attempt: 1, reason: 'Stopped' },
  },
  'stop while the algorithm runs': {
    given: { status: 'running', job: stop, steps: { algorithm: running() } },
    want: { do: 'stop', step: 'algorithm', attempt: 1, reason: 'Stopped' },
  },
}

describe('decide, while the algorithm runs', () => {
  it.each(Object.entries(TABLE))('%s', (_sentence, { given, want }) => {
    expect(decideIn(given)).toEqual(want)
  })
})
