import type { NewJob } from '@c2d/operator-db'
import { buildQueuedJob } from '@c2d/testing'

/** A job as operator-service queues it. @param source what its algorithm does, in JavaScript */
export function buildJob(environment: string, source: string, inputUrl: string): NewJob {
  const container = { entrypoint: 'node $ALGO', image: 'node', tag: '20', checksum: 'sha256:0' }
  return buildQueuedJob(environment, {
    index: 0,
    input: [{ index: 0, id: `did:op:${'a'.repeat(64)}`, url: [inputUrl] }],
    compute: {},
    algorithm: { id: '', rawcode: source, container },
    output: {},
  })
}
