import { createHmac } from 'node:crypto'
import type { Secret } from '@c2d/runtime'

/**
 * What the files of a derived asset show to read the results of its job: unguessable, and the same whichever engine of
 * the environment makes the asset.
 */
export function buildResultToken(environmentKey: Secret, jobId: string): string {
  return createHmac('sha256', environmentKey.reveal()).update(`c2d result token v1\n${jobId}`).digest('hex')
}
