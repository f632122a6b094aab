import { describe, expect, it } from '@jest/globals'
import type { JobNote } from '../executor.ts'
import { buildEvent } from './build-event.ts'

const jobId = 'a'.repeat(32)
const NOW = new Date('2026-01-01T00:00:00.500Z')
const claim = { epoch: 2, by: 'engine b' }
const subject = { jobId, namespace: 'jobs', labels: { workflow: jobId, epoch: '1' }, uid: 'uid-1' }
const note = (given: Partial<JobNote> = {}): JobNote => ({
  reason: 'OutOfMemory',
  message: 'too much',
  isWarning: true,
  step: { name: 'algorithm', attempt: 2 },
  at: null,
  ...given,
})

describe('buildEvent', () => {
  it('is about the Job of the step, under a name that any engine would give it', () => {
    expect(buildEvent(subject, claim, note(), NOW)).toMatchObject({
      metadata: {
        name: `${jobId}.algorithm.2.outofmemory`,
        namespace: 'jobs',
        labels: { workflow: jobId, epoch: '2', component: 'algorithm' },
      },
      involvedObject: { kind: 'Job', name: `${jobId}-algorithm-job-2`, namespace: 'jobs', uid: 'uid-1' },
      type: 'Warning',
      reason: 'OutOfMemory',
      firstTimestamp: '2026-01-01T00:00:00Z',
    })
  })

  it('behaviour: what happens to the job is about its anchor, and told once a claim', () => {
    const event = buildEvent(subject, claim, note({ reason: 'Adopted', step: null, isWarning: false }), NOW)
    expect(event).toMatchObject({
      metadata: { name: `${jobId}.2.adopted` },
      involvedObject: { kind: 'ConfigMap', name: jobId },
      type: 'Normal',
    })
  })

  it('behaviour: a message longer than an Event holds is cut', () => {
    expect(buildEvent(subject, claim, note({ message: 'x'.repeat(5000) }), NOW).message).toHaveLength(1000)
  })
})
