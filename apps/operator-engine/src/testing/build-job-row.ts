import { JOB_STATUS, type StoredWorkflow } from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'

const JOB_ID = '0123456789abcdef0123456789abcdef'

/** A stored workflow with one dataset and a Node algorithm, both behind a provider; for tests. */
export function buildStoredWorkflow(): StoredWorkflow {
  const remote = { txId: `0x${'1'.repeat(64)}`, serviceId: 'compute' }
  return {
    apiVersion: 'v0.0.1',
    kind: 'WorkFlow',
    metadata: { name: JOB_ID, namespace: 'local-free', labels: { workflow: JOB_ID }, secret: 'f'.repeat(32) },
    spec: {
      metadata: {
        chainId: 8996,
        stages: [
          {
            index: 0,
            input: [{ index: 0, id: `did:op:${'a'.repeat(64)}`, remote }],
            compute: { Instances: 1, namespace: 'local-free', maxtime: 3600 },
            algorithm: {
              id: `did:op:${'b'.repeat(64)}`,
              rawcode: '',
              container: { entrypoint: 'node $ALGO', image: 'node', tag: '20', checksum: 'sha256:00' },
              remote: { ...remote, serviceId: 'access' },
            },
            output: { metadataUri: 'http://127.0.0.1:5000' },
          },
        ],
      },
    },
  }
}

/** A job just claimed; for tests. */
export function buildJobRow(): JobRow {
  return {
    jobId: JOB_ID,
    agreementId: `0x${'1'.repeat(64)}`,
    owner: '0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e',
    environment: 'local-free',
    status: JOB_STATUS.configuring.code,
    statusText: JOB_STATUS.configuring.text,
    dateCreated: '1700000000.000000',
    dateFinished: null,
    outputs: null,
    stopRequest: 0,
    workflow: buildStoredWorkflow(),
    chainId: 8996,
    validUntil: null,
    epoch: 1,
    claimedBy: 'engine-a',
    reason: null,
    exitCode: null,
    isolation: null,
    staging: null,
  }
}
