import { describe, expect, it } from '@jest/globals'
import { NOW_MS, ended, decideIn, running, stop, waiting, type DecisionTable } from './testing/decision-table.ts'

const TABLE: DecisionTable = {
  'a queued job is not touched before it is claimed': {
    given: { status: 'warmingUp' },
    want: { do: 'wait', untilMs: null },
  },
  'a claimed job is configured': {
    given: { status: 'configuring' },
    want: { do: 'start', step: 'configure', attempt: 1 },
  },
  'configuring is waited for': {
    given: { status: 'configuring', steps: { configure: running() } },
    want: { do: 'wait', untilMs: NOW_MS + 3_600_000 },
  },
  'configuring is not waited for any longer than our own pods may take': {
    given: { status: 'configuring', steps: { configure: running(NOW_MS - 3_600_000) } },
    want: { do: 'stop', step: 'configure', attempt: 1, reason: 'TimedOut' },
  },
  'configuring ends with what was paid for': {
    given: { status: 'configuring', job: { validUntil: NOW_MS / 1000 }, steps: { configure: running() } },
    want: { do: 'stop', step: 'configure', attempt: 1, reason: 'TimedOut' },
  },
  'a configure pod that took too long fails the job': {
    given: { status: 'configuring', steps: { configure: ended(null, 'TimedOut') } },
    want: { do: 'advance', from: 'configuring', to: 'inputFailed', outcome: { reason: 'TimedOut' } },
  },
  'a job that is claimed after what was paid for ends unprovisioned': {
    given: { status: 'configuring', prepared: false, job: { validUntil: NOW_MS / 1000 } },
    want: {
      do: 'advance',
      from: 'configuring',
      to: 'publishing',
      outcome: { reason: 'TimedOut', stopRequest: 2 },
    },
  },
  'a configure pod that was lost to a disruption is run once more': {
    given: { status: 'configuring', steps: { configure: ended(137, 'Lost') } },
    want: { do: 'start', step: 'configure', attempt: 2 },
  },
  'a configure pod that was lost again fails the job': {
    given: { status: 'configuring', steps: { configure: ended(137, 'Lost', 2) } },
    want: { do: 'advance', from: 'configuring', to: 'inputFailed', outcome: { reason: 'StepLost' } },
  },
  'a configure pod that could not be started fails the job, without another attempt': {
    given: { status: 'configuring', steps: { configure: ended(null, 'StartFailed') } },
    want: { do: 'advance', from: 'configuring', to: 'inputFailed', outcome: { reason: 'StartFailed' } },
  },
  'a configure pod that exited without a report fails the job, whatever its exit code': {
    given: { status: 'configuring', steps: { configure: ended(0) } },
    want: { do: 'advance', from: 'configuring', to: 'inputFailed', outcome: { reason: 'StepLost' } },
  },
  'a configure pod that was evicted is run once more': {
    given: { status: 'configuring', steps: { configure: ended(null, 'Evicted') } },
    want: { do: 'start', step: 'configure', attempt: 2 },
  },
  'a configure pod that was evicted again says so': {
    given: { status: 'configuring', steps: { configure: ended(null, 'Evicted', 2) } },
    want: { do: 'advance', from: 'configuring', to: 'inputFailed', outcome: { reason: 'Evicted' } },
  },
  'a configure pod that nothing had room for says so': {
    given: { status: 'configuring', steps: { configure: ended(null, 'Unschedulable') } },
    want: { do: 'advance', from: 'configuring', to: 'inputFailed', outcome: { reason: 'Unschedulable' } },
  },
  'an image of ours that cannot be pulled is not said to be the author’s': {
    given: { status: 'configuring', steps: { configure: ended(null, 'ImagePullFailed') } },
    want: { do: 'advance', from: 'configuring', to: 'inputFailed', outcome: { reason: 'StartFailed' } },
  },
  'a configure pod that waits for its start uses up the time of our own pods': {
    given: { status: 'configuring', steps: { configure: waiting(NOW_MS - 3_600_000) } },
    want: { do: 'stop', step: 'configure', attempt: 1, reason: 'TimedOut' },
  },
  'an algorithm that can wait for staging is started together with it': {
    given: { status: 'configuring', startsAlgorithmEarly: true, steps: { configure: waiting() } },
    want: { do: 'start', step: 'algorithm', attempt: 1 },
  },
  'and once': {
    given: { status: 'configuring', startsAlgorithmEarly: true, steps: { configure: running(), algorithm: waiting() } },
    want: { do: 'wait', untilMs: NOW_MS + 3_600_000 },
  },
  'but not before configuring was': {
    given: { status: 'configuring', startsAlgorithmEarly: true },
    want: { do: 'start', step: 'configure', attempt: 1 },
  },
  'stop while configuring: an algorithm that waits is the first to be stopped': {
    given: { status: 'configuring', job: stop, steps: { configure: running(), algorithm: waiting() } },
    want: { do: 'stop', step: 'algorithm', attempt: 1, reason: 'Stopped' },
  },
  'and configuring after it': {
    given: { status: 'configuring', job: stop, steps: { configure: running(), algorithm: ended(null, 'Stopped') } },
    want: { do: 'stop', step: 'configure', attempt: 1, reason: 'Stopped' },
  },
  'an image that cannot be pulled ends the job while its data is still on the way': {
    given: { status: 'configuring', steps: { configure: running(), algorithm: ended(null, 'ImagePullFailed') } },
    want: { do: 'stop', step: 'configure', attempt: 1, reason: 'Stopped' },
  },
  'and is the reason, not the stop': {
    given: {
      status: 'configuring',
      steps: { configure: ended(null, 'Stopped'), algorithm: ended(null, 'ImagePullFailed') },
    },
    want: {
      do: 'advance',
      from: 'configuring',
      to: 'publishing',
      outcome: { exitCode: null, reason: 'ImagePullFailed' },
    },
  },
  'an algorithm that was evicted while it waited for staging is no reason to stop staging': {
    given: { status: 'configuring', steps: { configure: running(), algorithm: ended(null, 'Evicted') } },
    want: { do: 'wait', untilMs: NOW_MS + 3_600_000 },
  },
  'a provisioned job runs': {
    given: { status: 'provisioned', steps: { configure: running() } },
    want: { do: 'advance', from: 'provisioned', to: 'running' },
  },
  'a job that is provisioned when it is not paid for any longer goes to publishing': {
    given: { status: 'provisioned', job: { validUntil: NOW_MS / 1000 } },
    want: {
      do: 'advance',
      from: 'provisioned',
      to: 'publishing',
      outcome: { reason: 'TimedOut', stopRequest: 2 },
    },
  },
  'a job without a readable workflow ends instead of stopping the others': {
    given: { status: 'configuring', job: { workflow: null } },
    want: { do: 'advance', from: 'configuring', to: 'publishing', outcome: { reason: 'InternalError' } },
  },
  'stop between configuring and running: an algorithm that was started early is stopped before the job moves on': {
    given: { status: 'provisioned', startsAlgorithmEarly: true, job: stop, steps: { algorithm: running(NOW_MS, 2) } },
    want: { do: 'stop', step: 'algorithm', attempt: 2, reason: 'Stopped' },
  },
  'one that was not started never begins, whoever meant to start it early': {
    given: { status: 'provisioned', startsAlgorithmEarly: true, job: stop },
    want: { do: 'stop', step: 'algorithm', attempt: 1, reason: 'Stopped' },
  },
  'and the job moves on then': {
    given: {
      status: 'provisioned',
      startsAlgorithmEarly: true,
      job: stop,
      steps: { algorithm: ended(null, 'Stopped') },
    },
    want: {
      do: 'advance',
      from: 'provisioned',
      to: 'publishing',
      outcome: { exitCode: null, reason: 'Stopped' },
    },
  },
  'one that ended by itself before it was stopped ended well': {
    given: { status: 'provisioned', startsAlgorithmEarly: true, job: stop, steps: { algorithm: ended(0) } },
    want: { do: 'advance', from: 'provisioned', to: 'publishing', outcome: { exitCode: 0 } },
  },
  'one that was lost is not begun again': {
    given: { status: 'provisioned', startsAlgorithmEarly: true, job: stop, steps: { algorithm: ended(null, 'Lost') } },
    want: { do: 'advance', from: 'provisioned', to: 'publishing', outcome: { reason: 'Stopped' } },
  },
  'stop before configuring: nothing is downloaded': {
    given: { status: 'configuring', prepared: false, job: stop },
    want: { do: 'advance', from: 'configuring', to: 'publishing', outcome: { reason: 'Stopped' } },
  },
  'stop before configuring began in a workspace that is there: it never begins': {
    given: { status: 'configuring', job: stop },
    want: { do: 'stop', step: 'configure', attempt: 1, reason: 'Stopped' },
  },
  'stop after configuring was stopped': {
    given: { status: 'configuring', job: stop, steps: { configure: ended(null, 'Stopped') } },
    want: { do: 'advance', from: 'configuring', to: 'publishing', outcome: { reason: 'Stopped' } },
  },
  'stop while configuring': {
    given: { status: 'configuring', job: stop, steps: { configure: running() } },
    want: { do: 'stop', step: 'configure', attempt: 1, reason: 'Stopped' },
  },
  'stop between configuring and running': {
    given: { status: 'provisioned', job: stop },
    want: { do: 'advance', from: 'provisioned', to: 'publishing', outcome: { reason: 'Stopped' } },
  },
}

describe('decide, until the algorithm begins', () => {
  it.each(Object.entries(TABLE))('%s', (_sentence, { given, want }) => {
    expect(decideIn(given)).toEqual(want)
  })
})
