import { randomBytes } from 'node:crypto'
import type { Stage, StoredWorkflow } from '@c2d/contracts'

/** A job as operator-service queues it, and `insertJob` takes it. */
export interface QueuedJob {
  jobId: string
  agreementId: string
  owner: string
  environment: string
  workflow: StoredWorkflow
  chainId: number
  validUntil: null
  provider: string
  requestKey: string
}

/** Builds a job that nobody else has: its ids, its owner and its request are random. */
export function buildQueuedJob(environment: string, stage: Stage): QueuedJob {
  const jobId = randomBytes(16).toString('hex')
  return {
    jobId,
    agreementId: `0x${randomBytes(32).toString('hex')}`,
    owner: `0x${randomBytes(20).toString('hex')}`,
    environment,
    workflow: {
      apiVersion: 'v0.0.1',
      kind: 'WorkFlow',
      metadata: {
        name: jobId,
        namespace: environment,
        labels: { workflow: jobId },
        secret: randomBytes(16).toString('hex'),
      },
      spec: { metadata: { stages: [stage], chainId: 8996 } },
    },
    chainId: 8996,
    validUntil: null,
    provider: '0xe08A1dAe983BC701D05E492DB80e0144f8f4b909',
    requestKey: randomBytes(32).toString('hex'),
  }
}
