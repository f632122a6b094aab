import { STEPS, jobStatusName, STOP_REQUEST, type Step } from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'
import type { Observed } from './decide.ts'
import { isAllStored } from './stored-outputs.ts'
import type { JobNote, StepEnded, StepState } from './executor/executor.ts'

interface Words {
  begins: string
  completes: string
  fails: string
}

/** What is said of a step that was made, that ended well, and that failed by itself. */
const WORDS: Record<Step, Words> = {
  configure: { begins: 'Provisioning', completes: 'Provisioned', fails: 'ProvisioningFailed' },
  algorithm: { begins: 'AlgorithmStarted', completes: 'AlgorithmCompleted', fails: 'AlgorithmFailed' },
  filter: { begins: 'FilterStarted', completes: 'FilterCompleted', fails: 'FilterFailed' },
  publish: { begins: 'Publishing', completes: 'Published', fails: 'PublishFailed' },
}

/**
 * What happened to a job so far, in words for whoever operates the place where it runs. Pure, and of what is there, not
 * of what was done: whoever takes a job over tells the same.
 * @param by name of the engine that holds the job
 */
export function buildNotes({ job, steps }: Pick<Observed, 'job' | 'steps'>, by: string): JobNote[] {
  return [
    noteClaim(job, by),
    ...STEPS.flatMap((step) => noteStep(step, steps[step])),
    ...noteStored(job, steps.publish),
    ...noteEnd(job),
  ]
}

function noteClaim({ epoch }: JobRow, by: string): JobNote {
  const [reason, did] = epoch === 1 ? ['Claimed', 'claimed'] : ['Adopted', 'taken over']
  return { reason, message: `${did} by ${by}, epoch ${epoch}`, isWarning: false, step: null, at: null }
}

function noteStep(name: Step, state: StepState): JobNote[] {
  if (state.phase === 'absent') return []
  const words = WORDS[name]
  const { attempt } = state
  const note = (reason: string, message: string, at: Date | null, isWarning = false): JobNote => ({
    reason,
    message: attempt === 1 ? message : `${message}, attempt ${attempt}`,
    isWarning,
    step: { name, attempt },
    at,
  })
  switch (state.phase) {
    case 'waiting':
      // One of ours is under way as soon as it is made; a stranger's has not begun.
      return name === 'configure' || name === 'publish' ? [note(words.begins, `${name} is under way`, state.since)] : []
    case 'running':
      return [note(words.begins, `${name} runs${describeSeal(state)}`, state.startedAt)]
    case 'ended': {
      const began =
        state.exitCode === null ? [] : [note(words.begins, `${name} runs${describeSeal(state)}`, state.startedAt)]
      const isWell = state.exitCode === 0 && state.reason === null
      const reason = isWell ? words.completes : (state.reason ?? words.fails)
      return [...began, note(reason, `${name} ended: ${describeEnd(state)}`, state.endedAt, !isWell)]
    }
  }
}

/** The publish step's end, and even its start, may show only when the job is gone. */
function noteStored(job: JobRow, publish: StepState): JobNote[] {
  if ((publish.phase !== 'running' && publish.phase !== 'waiting') || !isAllStored(job)) return []
  const { attempt } = publish
  const message = 'publish reported that all is stored'
  return [{ reason: WORDS.publish.completes, message, isWarning: false, step: { name: 'publish', attempt }, at: null }]
}

function describeSeal({ receipt }: { receipt?: StepEnded['receipt'] }): string {
  return receipt?.sealed === true ? `, sealed (${receipt.probes.length} addresses tried)` : ''
}

function describeEnd({ exitCode, message, reason }: StepEnded): string {
  const parts = [reason, exitCode === null ? null : `exit code ${exitCode}`, message]
  return parts.filter((part) => part !== null).join(', ')
}

function noteEnd(job: JobRow): JobNote[] {
  const { dateFinished, exitCode, reason, status, stopRequest } = job
  const asked: JobNote = {
    reason: 'StopRequested',
    message: 'somebody asked to stop it',
    isWarning: false,
    step: null,
    at: null,
  }
  const notes = stopRequest === STOP_REQUEST.asked ? [asked] : []
  if (dateFinished === null) return notes
  const parts = [jobStatusName(status), reason, exitCode === null ? null : `exit code ${exitCode}`]
  const message = `the job ended: ${parts.filter((part) => part !== null).join(', ')}`
  const at = new Date(Number(dateFinished) * 1000)
  return [...notes, { reason: reason ?? 'Finished', message, isWarning: reason !== null, step: null, at }]
}
