import { describe, expect, it } from '@jest/globals'
import { decideRemedy, readRefusal, type Remedy } from './decide-remedy.ts'
import { ANNOTATION } from './names.ts'
import { CREATED, TAKEN, buildJobObject, buildPodObject, type ObjectParts } from './testing/build-cluster-objects.ts'
import { parseJob, parsePod } from './views.ts'

const PATIENCE = { placeMs: 120_000, startMs: 600_000, lostMs: 300_000 }
const waiting = (reason: string, message?: string) => ({ waiting: { reason, message } })
const LIMITS = { [ANNOTATION.maxDurationSeconds]: '60', [ANNOTATION.graceSeconds]: '5' }

type Given = ObjectParts & { noPod?: boolean; afterSeconds: number }

const CASES: Record<string, [Given, Partial<Remedy> | null]> = {
  'a Job without a pod is waited for': [{ noPod: true, afterSeconds: 1 }, null],
  'then the cluster is asked why': [{ noPod: true, afterSeconds: 10 }, { do: 'askWhy' }],
  'and given up in the end': [
    { noPod: true, afterSeconds: 121 },
    { do: 'giveUp', reason: 'Unschedulable' },
  ],
  'a pod without a place is waited for': [
    { pod: { isUnscheduled: '0/1 nodes are available: 1 Insufficient cpu.' }, afterSeconds: 100 },
    null,
  ],
  'a pod without a place is given up, and says what the scheduler said': [
    { pod: { isUnscheduled: '0/1 nodes are available: 1 Insufficient cpu.' }, afterSeconds: 121 },
    { do: 'giveUp', reason: 'Unschedulable', message: '0/1 nodes are available: 1 Insufficient cpu.' },
  ],
  'a pod that no scheduler has looked at says that': [
    { pod: { isUnseen: true }, afterSeconds: 121 },
    { do: 'giveUp', reason: 'Unschedulable', message: 'no scheduler has looked at it: is one running?' },
  ],
  'a volume that never binds is a place that is not found': [
    { pod: { isUnscheduled: 'pod has unbound immediate PersistentVolumeClaims' }, afterSeconds: 121 },
    { do: 'giveUp', reason: 'Unschedulable' },
  ],
  'an image that does not exist is given up at once': [
    { main: waiting('ErrImagePull', 'manifest unknown'), afterSeconds: 2 },
    { do: 'giveUp', reason: 'ImagePullFailed' },
  ],
  'a name that is none, too': [
    { main: waiting('InvalidImageName', 'couldn’t parse'), afterSeconds: 2 },
    { do: 'giveUp', reason: 'ImagePullFailed' },
  ],
  'a registry that does not answer may come back': [
    { main: waiting('ErrImagePull', 'i/o timeout'), afterSeconds: 30 },
    null,
  ],
  'but not for ever': [
    { main: waiting('ImagePullBackOff', 'i/o timeout'), afterSeconds: 70 },
    { do: 'giveUp', reason: 'ImagePullFailed' },
  ],
  'an image of our own is not said to be the author’s': [
    { gate: waiting('ErrImagePull', 'not found'), afterSeconds: 2 },
    { do: 'giveUp', reason: 'StartFailed' },
  ],
  'a container that cannot be configured yet': [
    { main: waiting('CreateContainerConfigError', 'secret not found'), afterSeconds: 10 },
    null,
  ],
  'a container that cannot be configured': [
    { main: waiting('CreateContainerConfigError', 'secret not found'), afterSeconds: 70 },
    { do: 'giveUp', reason: 'StartFailed' },
  ],
  'a large image takes its time': [{ main: waiting('ContainerCreating'), afterSeconds: 500 }, null],
  'what never gets anywhere is given up': [
    { main: waiting('ContainerCreating'), afterSeconds: 700 },
    { do: 'giveUp', reason: 'StartFailed' },
  ],
  'a gate that waits for staging is left alone': [
    { gate: { running: { startedAt: TAKEN } }, main: waiting('PodInitializing'), afterSeconds: 3_000 },
    null,
  ],
  'what was ended once is not given up again': [
    { main: waiting('InvalidImageName'), endReason: 'Stopped', afterSeconds: 700 },
    null,
  ],
  'a Job that a queue holds back is waited for': [{ noPod: true, suspended: true, afterSeconds: 700 }, null],
  'a deleted pod is kubelet’s to end': [
    {
      pod: { phase: 'Running', deletionTimestamp: CREATED },
      main: { running: { startedAt: TAKEN } },
      afterSeconds: 299,
    },
    null,
  ],
  'where no kubelet answers it is lost': [
    {
      pod: { phase: 'Running', deletionTimestamp: CREATED },
      main: { running: { startedAt: TAKEN } },
      afterSeconds: 301,
    },
    { do: 'lose' },
  ],
  'also one that was to be stopped': [
    {
      pod: { phase: 'Running', deletionTimestamp: CREATED },
      main: { running: { startedAt: TAKEN } },
      endReason: 'Stopped',
      afterSeconds: 301,
    },
    { do: 'lose' },
  ],
  'also one that had not begun': [
    { pod: { deletionTimestamp: CREATED }, suspended: true, endReason: 'TimedOut', afterSeconds: 301 },
    { do: 'lose' },
  ],
  'a pod that is over is not lost, however long its object stays': [
    {
      pod: { phase: 'Failed', reason: 'Evicted', deletionTimestamp: CREATED },
      afterSeconds: 3_000,
    },
    null,
  ],
  'lost once is enough': [
    {
      pod: { phase: 'Running', deletionTimestamp: CREATED },
      main: { running: { startedAt: TAKEN } },
      annotations: { [ANNOTATION.lost]: CREATED },
      afterSeconds: 3_000,
    },
    null,
  ],
  'what runs gets the deadline that its start asks for': [
    {
      pod: { phase: 'Running', activeDeadlineSeconds: 4_000 },
      main: { running: { startedAt: '2026-01-01T00:00:21Z' } },
      annotations: LIMITS,
      afterSeconds: 30,
    },
    { do: 'tighten', seconds: 81 },
  ],
  once: [
    {
      pod: { phase: 'Running', activeDeadlineSeconds: 81 },
      main: { running: { startedAt: '2026-01-01T00:00:21Z' } },
      annotations: LIMITS,
      afterSeconds: 30,
    },
    null,
  ],
  'what has just begun may be over before it is worth a call': [
    {
      pod: { phase: 'Running', activeDeadlineSeconds: 4_000 },
      main: { running: { startedAt: TAKEN } },
      annotations: LIMITS,
      afterSeconds: 1,
    },
    null,
  ],
}

describe('decideRemedy', () => {
  it.each(Object.entries(CASES))('%s', (_, [given, wanted]) => {
    const job = parseJob(buildJobObject(given))
    const pod = given.noPod ? null : parsePod(buildPodObject(given))
    const remedy = decideRemedy({ job, pod }, PATIENCE, Date.parse(CREATED) + given.afterSeconds * 1000)
    if (wanted === null) expect(remedy).toBeNull()
    else expect(remedy).toMatchObject(wanted)
  })
})

describe('readRefusal', () => {
  it.each([
    ['pods "x" is forbidden: violates PodSecurity "restricted:latest"', 'StartFailed'],
    ['admission webhook "policy" denied the request', 'StartFailed'],
    ['pods "x" is forbidden: no PriorityClass with name gold was found', 'StartFailed'],
    ['pods "x" is forbidden: exceeded quota: jobs, requested: cpu=1', undefined],
    ['Internal error occurred: try again', undefined],
    [
      'pods is forbidden: User "system:serviceaccount:kube-system:job-controller" cannot create resource "pods" in API group "" in the namespace "jobs"',
      undefined,
    ],
    ['pods "x" is forbidden: not yet ready to handle request', undefined],
    [
      'pods "x" is forbidden: error looking up service account jobs/default: serviceaccount "default" not found',
      undefined,
    ],
  ])('%s: %s', (message, reason) => {
    expect(readRefusal(message)?.reason).toBe(reason)
  })
})
