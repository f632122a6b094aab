import { createHmac } from 'node:crypto'
import type { Step } from '@c2d/contracts'
import type { Secret } from '@c2d/runtime'

/**
 * The token the pod of a step reports with: unguessable, and the same however often an attempt of the step is started.
 * An engine killed between starting a pod and knowing it did is followed by one that starts it again; the pod that won
 * must still be heard. Another attempt has another token: the pod of a lost one is not heard any more (DESIGN §4.12).
 * @param environmentKey every engine of an environment has it, no pod does
 */
export function buildStepToken(
  environmentKey: Secret,
  { jobId, step, attempt }: { jobId: string; step: Step; attempt: number },
): string {
  const subject = ['c2d step token v1', jobId, step, ...(attempt === 1 ? [] : [attempt])].join('\n')
  return createHmac('sha256', environmentKey.reveal()).update(subject).digest('hex')
}
