import { createHmac } from 'node:crypto'
import type { Step } from '@c2d/contracts'
import type { Secret } from '@c2d/runtime'

/**
 * The token the pod of a step reports with: unguessable, and the same however often the step is started. An engine
 * killed between starting a pod and knowing it did is followed by one that starts it again; the pod that won must
 * still be heard.
 * @param environmentKey every engine of an environment has it, no pod does
 */
export function buildStepToken(environmentKey: Secret, jobId: string, step: Step): string {
  return createHmac('sha256', environmentKey.reveal()).update(`c2d step token v1\n${jobId}\n${step}`).digest('hex')
}
