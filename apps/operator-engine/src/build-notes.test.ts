import { describe, expect, it } from '@jest/globals'
import { buildNotes } from './build-notes.ts'
import type { StepEnded, StepState } from './executor/executor.ts'
import { buildJobRow } from './testing/build-job-row.ts'

const AT = new Date('2026-01-01T00:00:00Z')
const absent: StepState = { phase: 'absent' }
const ended = (given: Partial<StepEnded>): StepState => ({
  phase: 'ended',
  attempt: 1,
  exitCode: 0,
  signal: null,
  reason: null,
  message: null,
  startedAt: AT,
  endedAt: AT,
  ...given,
})

function tell(steps: Record<string, StepState>, job: Partial<ReturnType<typeof buildJobRow>> = {}) {
  const all = { configure: absent, algorithm: absent, filter: absent, publish: absent, ...steps }
  return buildNotes({ job: { ...buildJobRow(), ...job }, steps: all }, 'engine a')
}
const reasonsOf = (notes: ReturnType<typeof tell>) => notes.map(({ reason }) => reason)

describe('buildNotes', () => {
  it('tells the whole story of a job that went well, also to whoever looks only at its end', () => {
    const notes = tell(
      { configure: ended({}), algorithm: ended({}), publish: ended({}) },
      { dateFinished: '1767225600.0', status: 70 },
    )
    expect(reasonsOf(notes)).toEqual([
      'Claimed',
      'Provisioning',
      'Provisioned',
      'AlgorithmStarted',
      'AlgorithmCompleted',
      'Publishing',
      'Published',
      'Finished',
    ])
    expect(notes.filter(({ isWarning }) => isWarning)).toEqual([])
    expect(notes.at(-1)?.at).toEqual(AT)
  })

  it('behaviour: a job that another engine held before is taken over', () => {
    expect(tell({}, { epoch: 3 })).toEqual([
      expect.objectContaining({ reason: 'Adopted', message: 'taken over by engine a, epoch 3' }),
    ])
  })

  it('behaviour: an algorithm that waits for staging or its seal has not started', () => {
    const waiting: StepState = { phase: 'waiting', attempt: 1, since: AT }
    expect(reasonsOf(tell({ configure: waiting, algorithm: waiting }))).toEqual(['Claimed', 'Provisioning'])
  })

  it.each<[Partial<StepEnded>, string[], string]>([
    [{ exitCode: 42 }, ['AlgorithmStarted', 'AlgorithmFailed'], 'algorithm ended: exit code 42'],
    [
      { exitCode: 137, reason: 'OutOfMemory' },
      ['AlgorithmStarted', 'OutOfMemory'],
      'algorithm ended: OutOfMemory, exit code 137',
    ],
    [
      { exitCode: null, reason: 'Unschedulable', message: 'no room' },
      ['Unschedulable'],
      'algorithm ended: Unschedulable, no room',
    ],
    [{ exitCode: null, reason: 'Evicted', attempt: 2 }, ['Evicted'], 'algorithm ended: Evicted, attempt 2'],
  ])('behaviour: an algorithm that ends with %j is a warning that says why', (end, reasons, message) => {
    const notes = tell({ algorithm: ended(end) }).slice(1)
    expect(reasonsOf(notes)).toEqual(reasons)
    expect(notes.at(-1)).toMatchObject({ isWarning: true, message, step: { name: 'algorithm' } })
  })

  it.each<StepState>([
    { phase: 'running', attempt: 1, startedAt: AT },
    { phase: 'waiting', attempt: 1, since: AT },
  ])('behaviour: what is reported as stored is published, also while its pod still shows as %j', (publish) => {
    const outputs = [{ filename: 'a', filesize: 1, url: 'filesystem:a', type: 'output' as const }]
    expect(reasonsOf(tell({ publish }, { outputs }))).toEqual(['Claimed', 'Publishing', 'Published'])
    expect(reasonsOf(tell({ publish }))).toEqual(['Claimed', 'Publishing'])
  })

  it('behaviour: the end of a job says its reason', () => {
    const job = { dateFinished: '1.5', status: 70, reason: 'Stopped', stopRequest: 1 } as const
    expect(tell({}, job).slice(1)).toEqual([
      expect.objectContaining({ reason: 'StopRequested', isWarning: false }),
      expect.objectContaining({ reason: 'Stopped', isWarning: true, step: null }),
    ])
  })
})
