import { randomBytes } from 'node:crypto'
import type { NewJob } from '@c2d/operator-db'

/** A job as operator-service queues it. @param source what its algorithm does, in JavaScript */
export function buildJob(environment: string, source: string, inputUrl: string): NewJob {
  const jobId = randomBytes(16).toString('hex')
  const container = { entrypoint: 'node $ALGO', image: 'node', tag: '20', checksum: 'sha256:0' }
  const stage = {
    index: 0,
    input: [{ index: 0, id: `did:op:${'a'.repeat(64)}`, url: [inputUrl] }],
    compute: {},
    algorithm: { id: '', rawcode: source, container },
    output: {},
  }
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
      spec: { metadata: { chainId: 8996, stages: [stage] } },
    },
    chainId: 8996,
    validUntil: null,
    provider: '0xe08A1dAe983BC701D05E492DB80e0144f8f4b909',
    requestKey: randomBytes(32).toString('hex'),
  }
}
