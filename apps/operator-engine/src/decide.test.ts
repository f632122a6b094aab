import { JOB_STATUS, isLegalTransition, jobStatusName, type JobStatusName } from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'
import { describe, expect, it } from '@jest/globals'
import { algorithmDeadlineMs } from './deadlines.ts'
import { decide, type Decision, type Observed } from './decide.ts'
import type { StepState } from './executor/executor.ts'
import { buildJobRow } from './testing/build-job-row.ts'

const NOW_MS = 1_700_000_000_000
const absent: StepState = { phase: 'absent' }
const running = (sinceMs = NOW_MS, attempt = 1): StepState => ({
  phase: 'running',
  attempt,
  startedAt: new Date(sinceMs),
})
const waiting = (sinceMs = NOW_MS, attempt = 1): StepState => ({ phase: 'waiting', attempt, since: new Date(sinceMs) })
const ended = (
  exitCode: number | null,
  reason: Extract<StepState, { phase: 'ended' }>['reason'] = null,
  attempt = 1,
): StepState => ({
  phase: 'ended',
  attempt,
  exitCode,
  signal: null,
  reason,
  message: null,
  startedAt: new Date(NOW_MS - 1000),
  endedAt: new Date(NOW_MS),
})

const stored: JobRow['outputs'] & object = [{ filename: 'a', filesize: 1, url: 'filesystem:a', type: 'output' }]

interface Situation extends Partial<Omit<Observed, 'job' | 'steps'>> {
  status: JobStatusName
  job?: Partial<Observed['job']>
  steps?: Partial<Observed['steps']>
}

function observed({ status, job, steps, ...rest }: Situation): Observed {
  const { code, text } = JOB_STATUS[status]
  return {
    job: { ...buildJobRow(), status: code, statusText: text, ...job },
    prepared: true,
    steps: { configure: absent, algorithm: absent, filter: absent, publish: absent, ...steps },
    maxDurationSeconds: 60,
    keepFailedSeconds: 3_600,
    startsAlgorithmEarly: false,
    endsShowLate: false,
    ...rest,
  }
}

const stop = { stopRequest: 1 as const }
const receipt = { sealed: false, egress: 'none' as const, probes: [], rounds: 0, durationMs: 20_000 }

const CASES: Record<string, { given: Situation; want: Decision }> = {
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
  'an algorithm that waits for a staging that failed is stopped before logs are published': {
    given: { status: 'inputFailed', steps: { configure: ended(1), algorithm: waiting() } },
    want: { do: 'stop', step: 'algorithm', attempt: 1, reason: 'Stopped' },
  },
  'a provisioned job runs': {
    given: { status: 'provisioned', steps: { configure: running() } },
    want: { do: 'advance', from: 'provisioned', to: 'running' },
  },
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
  'a job that is provisioned when it is not paid for any longer goes to publishing': {
    given: { status: 'provisioned', job: { validUntil: NOW_MS / 1000 } },
    want: {
      do: 'advance',
      from: 'provisioned',
      to: 'publishing',
      outcome: { reason: 'TimedOut', stopRequest: 2 },
    },
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
  'outputs are published': { given: { status: 'publishing' }, want: { do: 'start', step: 'publish', attempt: 1 } },
  'logs are published after a failed provisioning': {
    given: { status: 'inputFailed', steps: { configure: ended(1) } },
    want: { do: 'start', step: 'publish', attempt: 1 },
  },
  'a publish pod that reported all is not waited for where its end would show later': {
    given: { status: 'publishing', endsShowLate: true, job: { outputs: stored }, steps: { publish: running() } },
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
  'what removal does to a publish pod that had reported keeps nothing': {
    given: {
      status: 'finished',
      job: { dateFinished: '1700000000.000000', outputs: stored },
      steps: { publish: ended(null, 'Evicted') },
    },
    want: { do: 'remove' },
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
  'a job without a readable workflow ends instead of stopping the others': {
    given: { status: 'configuring', job: { workflow: null } },
    want: { do: 'finish', from: 'configuring', outcome: { reason: 'InternalError' } },
  },
  'a finished job is removed': {
    given: { status: 'finished', job: { dateFinished: '1700000000.000000' } },
    want: { do: 'remove' },
  },
  'a finished and removed job is done with': {
    given: { status: 'finished', prepared: false, job: { dateFinished: '1700000000.000000' } },
    want: { do: 'wait', untilMs: null },
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
  'stop before the algorithm began: it never begins': {
    given: { status: 'running', job: stop },
    want: { do: 'stop', step: 'algorithm', attempt: 1, reason: 'Stopped' },
  },
  'stop while the algorithm runs': {
    given: { status: 'running', job: stop, steps: { algorithm: running() } },
    want: { do: 'stop', step: 'algorithm', attempt: 1, reason: 'Stopped' },
  },
  'stop while publishing: what there is gets published': {
    given: { status: 'publishing', job: stop, steps: { publish: running() } },
    want: { do: 'wait', untilMs: NOW_MS + 3_600_000 },
  },
}

describe('decide', () => {
  it.each(Object.entries(CASES))('%s', (_sentence, { given, want }) => {
    expect(decide(observed(given), NOW_MS)).toEqual(want)
  })

  it('behaviour: every decision in every status is a legal transition, and every live status decides something', () => {
    const states = [absent, waiting(), running(), running(NOW_MS - 3_600_000), ended(0), ended(1), ended(null, 'Lost')]
    for (const { code } of Object.values(JOB_STATUS)) {
      for (const step of states) {
        for (const stopRequest of [0, 1, 2] as const) {
          const status = jobStatusName(code)
          const decision = decide(
            observed({ status, job: { stopRequest }, steps: { configure: step, algorithm: step, publish: step } }),
            NOW_MS,
          )
          if (decision.do !== 'advance') continue
          expect(decision.from).toBe(status)
          expect(isLegalTransition(decision.from, decision.to)).toBe(true)
        }
      }
    }
  })
})

describe('algorithmDeadlineMs', () => {
  it('counts from the algorithm itself, not from its creation', () => {
    expect(algorithmDeadlineMs(5_000, 60, null)).toBe(65_000)
  })
})
