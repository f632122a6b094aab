import type { JobRow } from '@c2d/operator-db'
import { describe, expect, it } from '@jest/globals'
import { NOW_MS, ended, decideIn, type DecisionTable } from './testing/decision-table.ts'

const stored: JobRow['outputs'] & object = [{ filename: 'a', filesize: 1, url: 'filesystem:a', type: 'output' }]

const TABLE: DecisionTable = {
  'what removal does to a publish pod that had reported keeps nothing': {
    given: {
      status: 'finished',
      job: { dateFinished: '1700000000.000000', outputs: stored },
      steps: { publish: ended(null, 'Evicted') },
    },
    want: { do: 'remove' },
  },
  'outputs that could not be published are kept for a while': {
    given: {
      status: 'finished',
      job: { dateFinished: `${NOW_MS / 1000 - 60}.000000`, reason: 'PublishFailed' },
      steps: { publish: ended(1, null, 3) },
    },
    want: { do: 'keep', untilMs: NOW_MS + 3_540_000 },
  },
  'and are removed then': {
    given: {
      status: 'finished',
      job: { dateFinished: `${NOW_MS / 1000 - 3_600}.000000`, reason: 'PublishFailed' },
      steps: { publish: ended(1, null, 3) },
    },
    want: { do: 'remove' },
  },
  'a finished job is removed': {
    given: { status: 'finished', job: { dateFinished: '1700000000.000000' } },
    want: { do: 'remove' },
  },
  'a finished and removed job is done with': {
    given: { status: 'finished', prepared: false, job: { dateFinished: '1700000000.000000' } },
    want: { do: 'wait', untilMs: null },
  },
}

describe('decide, after the end', () => {
  it.each(Object.entries(TABLE))('%s', (_sentence, { given, want }) => {
    expect(decideIn(given)).toEqual(want)
  })
})
