import type { JobRow } from '@c2d/operator-db'
import { describe, expect, it } from '@jest/globals'
import type { StepState } from './executor/executor.ts'
import { NOW_MS, ended, decideIn, running, stop, waiting, type DecisionTable } from './testing/decision-table.ts'

const stored: JobRow['outputs'] & object = [{ filename: 'a', filesize: 1, url: 'filesystem:a', type: 'output' }]

const TABLE: DecisionTable = {
  'a job without a readable workflow publishes nothing': {
    given: { status: 'publishing', job: { workflow: null, reason: 'InternalError' } },
    want: { do: 'finish', from: 'publishing' },
  },
  'nor does it lose the reason that it has': {
    given: { status: 'inputFailed', job: { workflow: null, reason: 'StepLost' } },
    want: { do: 'finish', from: 'inputFailed' },
  },
  'outputs that were reported before their workspace vanished are not lost': {
    given: { status: 'publishing', prepared: false, job: { outputs: stored } },
    want: { do: 'finish', from: 'publishing' },
  },
  'nor are those that were reported, whatever became of the pod': {
    given: { status: 'publishing', job: { outputs: stored }, steps: { publish: ended(null, 'Lost', 3) } },
    want: { do: 'finish', from: 'publishing' },
  },
  'an algorithm that waits for a staging that failed is stopped before logs are published': {
    given: { status: 'inputFailed', steps: { configure: ended(1), algorithm: waiting() } },
    want: { do: 'stop', step: 'algorithm', attempt: 1, reason: 'Stopped' },
  },
  'outputs are published': { given: { status: 'publishing' }, want: { do: 'start', step: 'publish', attempt: 1 } },
  'logs are published after a failed provisioning': {
    given: { status: 'inputFailed', steps: { configure: ended(1) } },
    want: { do: 'start', step: 'publish', attempt: 1 },
  },
  'a publish pod that reported all is not waited for where its end would show later': {
    given: { status: 'publishing', endsShowLate: true, job: { outputs: stored }, steps: { publish: running() } },
    want: { do: 'finish', from: 'publishing' },
  },
  'it is not waited for either where even its start does not show yet': {
    given: { status: 'publishing', endsShowLate: true, job: { outputs: stored }, steps: { publish: waiting() } },
    want: { do: 'finish', from: 'publishing' },
  },
  'it is waited for where its end shows at once': {
    given: { status: 'publishing', job: { outputs: stored }, steps: { publish: running() } },
    want: { do: 'wait', untilMs: NOW_MS + 3_600_000 },
  },
  'it is waited for where something could not be stored': {
    given: {
      status: 'publishing',
      endsShowLate: true,
      job: { outputs: [...stored, { ...stored[0]!, url: '', failure: 's3: down' }] },
      steps: { publish: running() },
    },
    want: { do: 'wait', untilMs: NOW_MS + 3_600_000 },
  },
  'it is waited for where the algorithm failed, as its end may say why': {
    given: {
      status: 'publishing',
      endsShowLate: true,
      job: { outputs: stored, reason: 'AlgorithmFailed' },
      steps: { publish: running() },
    },
    want: { do: 'wait', untilMs: NOW_MS + 3_600_000 },
  },
  'a failure that the publish step found the cause of is named by it': {
    given: {
      status: 'publishing',
      job: { reason: 'AlgorithmFailed', exitCode: 1 },
      steps: { algorithm: ended(1, 'WorkspaceFull'), publish: ended(0) },
    },
    want: { do: 'finish', from: 'publishing', outcome: { reason: 'WorkspaceFull' } },
  },
  'nothing that happens to an algorithm after its end changes why it ended': {
    given: {
      status: 'publishing',
      job: { reason: 'AlgorithmFailed', exitCode: 1 },
      steps: { algorithm: ended(null, 'Evicted'), publish: ended(0) },
    },
    want: { do: 'finish', from: 'publishing' },
  },
  'a published job is finished': {
    given: { status: 'publishing', steps: { publish: ended(0) } },
    want: { do: 'finish', from: 'publishing' },
  },
  'publishing that failed is tried again after a pause': {
    given: { status: 'publishing', steps: { publish: ended(1) } },
    want: { do: 'wait', untilMs: NOW_MS + 1_000 },
  },
  'the pause before the last attempt is longer': {
    given: { status: 'publishing', steps: { publish: ended(1, null, 2) } },
    want: { do: 'wait', untilMs: NOW_MS + 10_000 },
  },
  'publishing is tried again, whyever it failed': {
    given: {
      status: 'publishing',
      job: { reason: 'OutOfMemory' },
      steps: { publish: { ...ended(null, 'Lost'), endedAt: new Date(NOW_MS - 1_000) } as StepState },
    },
    want: { do: 'start', step: 'publish', attempt: 2 },
  },
  'publishing is not waited for any longer than our own pods may take': {
    given: { status: 'publishing', steps: { publish: running(NOW_MS - 3_600_000, 2) } },
    want: { do: 'stop', step: 'publish', attempt: 2, reason: 'TimedOut' },
  },
  'lost results are a reason': {
    given: { status: 'publishing', steps: { publish: ended(1, null, 3) } },
    want: { do: 'finish', from: 'publishing', outcome: { reason: 'PublishFailed' } },
  },
  'the first reason stays': {
    given: { status: 'publishing', job: { reason: 'OutOfMemory' }, steps: { publish: ended(1, null, 3) } },
    want: { do: 'finish', from: 'publishing' },
  },
  'a job that was stopped before it was provisioned has nothing to publish': {
    given: { status: 'publishing', prepared: false, job: { reason: 'Stopped' } },
    want: { do: 'finish', from: 'publishing' },
  },
  'outputs that vanished with their workspace are lost': {
    given: { status: 'publishing', prepared: false },
    want: { do: 'finish', from: 'publishing', outcome: { reason: 'PublishFailed' } },
  },
  'stop while publishing: what there is gets published': {
    given: { status: 'publishing', job: stop, steps: { publish: running() } },
    want: { do: 'wait', untilMs: NOW_MS + 3_600_000 },
  },
}

describe('decide, while results are published', () => {
  it.each(Object.entries(TABLE))('%s', (_sentence, { given, want }) => {
    expect(decideIn(given)).toEqual(want)
  })
})
