import { createHash } from 'node:crypto'
import type { StoredWorkflow } from '@c2d/contracts'
import type { NewJob } from '@c2d/operator-db'
import { buildAlgorithmSource } from './algorithm-source.ts'
import { ENVIRONMENTS } from './chaos-world.ts'
import type { FaultStep, ScheduledJob } from './schedule.ts'

/** One job of a run, and what has been done to it so far. */
export interface ChaosJob {
  readonly jobId: string
  readonly scheduled: ScheduledJob
  readonly row: NewJob
  /** Its row exists. */
  isQueued: boolean
  /** A request to stop it was taken. */
  isStopAsked: boolean
  /** Steps of which a process of ours was killed: the runner, or the pod alone. */
  readonly killed: { step: FaultStep; what: 'runner' | 'pod' }[]
}

/** @param index its place in the schedule; with the seed it makes the job's id */
export function buildChaosJob(seed: number, index: number, scheduled: ScheduledJob, originPort: number): ChaosJob {
  const digest = createHash('sha256').update(`${seed} ${index}`).digest('hex')
  const jobId = digest.slice(0, 32)
  const environment = scheduled.behaviour === 'overtime' ? ENVIRONMENTS.brief.id : ENVIRONMENTS.steady.id
  const file = scheduled.behaviour === 'missingInput' ? '/nobody-has-this.csv' : '/data.csv'
  return {
    jobId,
    scheduled,
    row: {
      jobId,
      agreementId: `0x${digest}`,
      owner: '0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e',
      environment,
      workflow: buildWorkflow(jobId, environment, scheduled, `http://127.0.0.1:${originPort}${file}`),
      chainId: 8996,
      validUntil: null,
      provider: '0xe08A1dAe983BC701D05E492DB80e0144f8f4b909',
      requestKey: digest,
    },
    isQueued: false,
    isStopAsked: false,
    killed: [],
  }
}

function buildWorkflow(
  jobId: string,
  environment: string,
  { behaviour, lastsMs }: ScheduledJob,
  inputUrl: string,
): StoredWorkflow {
  const algorithm = {
    id: '',
    rawcode: buildAlgorithmSource(behaviour, lastsMs),
    container: { entrypoint: 'node $ALGO', image: 'node', tag: '20', checksum: 'sha256:0' },
  }
  const input = [{ index: 0, id: `did:op:${'a'.repeat(64)}`, url: [inputUrl] }]
  return {
    apiVersion: 'v0.0.1',
    kind: 'WorkFlow',
    metadata: { name: jobId, namespace: environment, labels: { workflow: jobId }, secret: 'kept for the algorithm' },
    spec: { metadata: { chainId: 8996, stages: [{ index: 0, input, compute: {}, algorithm, output: {} }] } },
  }
}
