import { createHmac } from 'node:crypto'
import type { Secret } from '@c2d/runtime'

/**
 * The salt of a dataset in the proof of a job: unguessable, another one for each job and dataset (owners must not learn
 * each other's), and the same whichever engine of the environment signs, so that the same facts stay the same statement.
 * @returns 32 bytes in hex
 */
export function deriveFileSalt(environmentKey: Secret, jobId: string, did: string): string {
  return createHmac('sha256', environmentKey.reveal()).update(`c2d file salt v1\n${jobId}\n${did}`).digest('hex')
}
