import { describe, expect, it } from '@jest/globals'
import type { StepState } from '../executor.ts'
import { ANNOTATION } from './names.ts'
import { readStep } from './read-step.ts'
import { buildJobObject, buildPodObject, CREATED, type ObjectParts } from './testing/build-cluster-objects.ts'
import { parseJob, parsePod } from './views.ts'

const STARTED = '2026-01-01T00:00:05Z'
const FINISHED = '2026-01-01T00:00:09Z'

const terminated = (exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error', message?: string) => ({
  terminated: { exitCode, reason, message, startedAt: STARTED, finishedAt: FINISHED },
})
const RECEIPT = { sealed: true, egress: 'none', probes: [], rounds: 3, durationMs: 400 }

type Given = ObjectParts & { noPod?: boolean }
type Wanted = Partial<Extract<StepState, { phase: 'ended' | 'running' }>> | { phase: StepState['phase'] }

const CASES: Record<string, [Given, Wanted]> = {
  'a Job that has no pod yet waits': [{ noPod: true }, { phase: 'waiting' }],
  'a pod without a place waits': [{ pod: { phase: 'Pending' } }, { phase: 'waiting' }],
  'a pod whose gate looks on waits': [{ gate: { running: { startedAt: STARTED } } }, { phase: 'waiting' }],
  'a pod whose container runs is running': [
    { pod: { phase: 'Running' }, main: { running: { startedAt: STARTED } } },
    { phase: 'running', startedAt: new Date(STARTED) },
  ],
  'a container that ended well': [
    { main: terminated(0) },
    { phase: 'ended', exitCode: 0, reason: null, startedAt: new Date(STARTED), endedAt: new Date(FINISHED) },
  ],
  'an algorithm that failed': [{ main: terminated(42) }, { exitCode: 42, reason: null }],
  'an algorithm that ends as 128 does has an exit code of its own': [
    { main: terminated(128) },
    { exitCode: 128, reason: null },
  ],
  'a command that is not in its image': [
    { main: terminated(128, 'StartError', 'exec: "sh": executable file not found') },
    { exitCode: null, reason: 'StartFailed', message: 'StartError: exec: "sh": executable file not found' },
  ],
  'killed for its memory': [{ main: terminated(137, 'OOMKilled') }, { exitCode: 137, reason: 'OutOfMemory' }],
  'killed by kubelet when its time was over': [
    { pod: { phase: 'Failed', reason: 'DeadlineExceeded' }, main: terminated(137) },
    { exitCode: 137, reason: 'TimedOut' },
  ],
  'stopped: it may have said goodbye': [
    { pod: { reason: 'DeadlineExceeded' }, main: terminated(9), endReason: 'Stopped' },
    { exitCode: 9, reason: 'Stopped' },
  ],
  'stopped, and ended well': [
    { pod: { reason: 'DeadlineExceeded' }, main: terminated(0), endReason: 'Stopped' },
    { exitCode: 0, reason: 'Stopped' },
  ],
  'asked to stop, but it had ended by itself': [
    { main: terminated(3), endReason: 'Stopped' },
    { exitCode: 3, reason: null },
  ],
  'asked to stop, and still at it': [
    { pod: { phase: 'Running' }, main: { running: { startedAt: STARTED } }, endReason: 'TimedOut' },
    { phase: 'running' },
  ],
  'stopped before it had a pod': [
    { noPod: true, suspended: true, endReason: 'Stopped' },
    { phase: 'ended', exitCode: null, reason: 'Stopped' },
  ],
  'stopped before it began, its pod still going': [
    { suspended: true, endReason: 'Stopped', gate: { running: { startedAt: STARTED } } },
    { phase: 'waiting' },
  ],
  'given up': [
    { noPod: true, suspended: true, endReason: 'ImagePullFailed', endMessage: 'no such image' },
    { exitCode: null, reason: 'ImagePullFailed', message: 'no such image' },
  ],
  'given up, while its pod goes': [
    {
      suspended: true,
      endReason: 'ImagePullFailed',
      pod: { deletionTimestamp: FINISHED },
      main: terminated(137, 'ContainerStatusUnknown'),
    },
    { exitCode: null, reason: 'ImagePullFailed' },
  ],
  'held back by somebody else, as queues do': [{ noPod: true, suspended: true }, { phase: 'waiting' }],
  'evicted as its node ran short': [
    {
      pod: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
      main: terminated(137),
    },
    { exitCode: null, reason: 'Evicted' },
  ],
  'evicted as its node ran short of disk is no doing of its own': [
    { pod: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: ephemeral-storage.' } },
    { exitCode: null, reason: 'Evicted' },
  ],
  'evicted for what it wrote to its own disk': [
    {
      pod: {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'Pod ephemeral local storage usage exceeds the total limit of containers 512Mi.',
      },
    },
    { reason: 'WorkspaceFull' },
  ],
  'evicted for a full /tmp': [
    {
      pod: {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'Usage of EmptyDir volume "tmp" exceeds the limit "256Mi".',
      },
    },
    { reason: 'WorkspaceFull' },
  ],
  'its node is gone': [{ pod: { phase: 'Failed', reason: 'NodeLost' } }, { exitCode: null, reason: 'Evicted' }],
  'its node forgot the container': [{ main: terminated(137, 'ContainerStatusUnknown') }, { reason: 'Lost' }],
  'its node had no room when it came': [{ pod: { phase: 'Failed', reason: 'OutOfcpu' } }, { reason: 'Evicted' }],
  preempted: [
    { disruption: 'PreemptionByScheduler', pod: { deletionTimestamp: FINISHED }, main: terminated(143) },
    { exitCode: null, reason: 'Evicted' },
  ],
  'its pod deleted by hand': [
    { pod: { deletionTimestamp: FINISHED }, main: terminated(143) },
    { exitCode: null, reason: 'Evicted', message: 'its pod was deleted' },
  ],
  'its pod deleted by hand, and gone': [
    { noPod: true, condition: { type: 'Failed', reason: 'BackoffLimitExceeded' } },
    { exitCode: null, reason: 'Evicted' },
  ],
  'its pod cleared away after it ended well': [
    { noPod: true, condition: { type: 'Complete' } },
    { exitCode: 0, reason: null },
  ],
  'its node does not answer, and nobody can say any more how it ends': [
    {
      annotations: { [ANNOTATION.lost]: '2026-01-01T00:09:00Z' },
      pod: { phase: 'Running', deletionTimestamp: FINISHED },
      main: { running: { startedAt: STARTED } },
    },
    {
      phase: 'ended',
      exitCode: null,
      reason: 'Lost',
      startedAt: new Date(STARTED),
      endedAt: new Date('2026-01-01T00:09:00Z'),
    },
  ],
  'its node came back after it was given up': [
    {
      annotations: { [ANNOTATION.lost]: '2026-01-01T00:09:00Z' },
      pod: { phase: 'Failed', deletionTimestamp: FINISHED },
      main: terminated(0),
    },
    { phase: 'ended', exitCode: null, reason: 'Lost' },
  ],
  'stopped on a node that does not answer': [
    {
      annotations: { [ANNOTATION.lost]: '2026-01-01T00:09:00Z' },
      endReason: 'Stopped',
      pod: { phase: 'Running', deletionTimestamp: FINISHED },
      main: { running: { startedAt: STARTED } },
    },
    { phase: 'ended', exitCode: null, reason: 'Stopped' },
  ],
  'lost before it began': [
    { annotations: { [ANNOTATION.lost]: '2026-01-01T00:09:00Z' }, pod: { deletionTimestamp: FINISHED } },
    { phase: 'ended', exitCode: null, reason: 'Lost' },
  ],
  'a gate that found the network open': [
    {
      pod: { phase: 'Failed' },
      gate: terminated(20, 'Error', JSON.stringify({ ...RECEIPT, sealed: false })),
    },
    { reason: 'NetworkNotSealed', exitCode: null, receipt: { ...RECEIPT, sealed: false } as never },
  ],
  'a gate that broke is no verdict on the network': [
    { pod: { phase: 'Failed' }, gate: terminated(2, 'Error', 'wrong use') },
    { reason: 'StartFailed', exitCode: null },
  ],
  'a sealed algorithm keeps its receipt': [
    { gate: terminated(0, 'Completed', JSON.stringify(RECEIPT)), main: terminated(0) },
    { exitCode: 0, receipt: RECEIPT as never },
  ],
}

describe('readStep', () => {
  it.each(Object.entries(CASES))('%s', (_, [given, wanted]) => {
    const job = parseJob(buildJobObject(given))
    const pod = given.noPod ? null : parsePod(buildPodObject(given))
    expect(readStep({ job, pod })).toMatchObject(wanted)
  })

  it('behaviour: what still waits has waited since its Job was made', () => {
    const job = parseJob(buildJobObject({}))
    expect(readStep({ job, pod: null })).toEqual({ phase: 'waiting', attempt: 1, since: new Date(CREATED) })
  })
})
