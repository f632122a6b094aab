import { createHash } from 'node:crypto'
import { signMessage } from '@c2d/chain'
import type { ProofOrder, StoredWorkflow } from '@c2d/contracts'
import { DEV_ACCOUNTS } from '@c2d/dev-servers'
import type { NewJob } from '@c2d/operator-db'
import { buildAlgorithmSource } from './algorithm-source.ts'
import { ENVIRONMENTS } from './environments.ts'
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

/** What of its world a job is made of. */
interface JobPlace {
  origin: string
  place: {
    container: { image: string; tag: string; checksum: string }
    lives: Parameters<typeof buildAlgorithmSource>[2]
  }
  publishing: { orders: readonly ProofOrder[] } | null
}

/** The account that starts every job. */
const CONSUMER = DEV_ACCOUNTS.consumer

/**
 * @param index its place in the schedule; with the seed it makes the job's id
 * @param world.origin `host:port` of its data, and of the provider that would serve its asset
 * @param world.place what its algorithm runs in
 * @param world.publishing an order for each job, where orders are told of proofs and results become assets
 */
export function buildChaosJob(
  seed: number,
  index: number,
  scheduled: ScheduledJob,
  { origin, place, publishing }: JobPlace,
): ChaosJob {
  const digest = createHash('sha256').update(`${seed} ${index}`).digest('hex')
  const jobId = digest.slice(0, 32)
  const environment = scheduled.behaviour === 'overtime' ? ENVIRONMENTS.brief.id : ENVIRONMENTS.steady.id
  const file = scheduled.behaviour === 'missingInput' ? '/nobody-has-this.csv' : '/data.csv'
  const workflow = buildWorkflow(jobId, { environment, scheduled, place }, `http://${origin}${file}`)
  const order = publishing?.orders[index]
  if (order) publishResults(workflow, order, `http://${origin}`)
  return {
    jobId,
    scheduled,
    row: {
      jobId,
      agreementId: `0x${digest}`,
      owner: CONSUMER.address,
      environment,
      workflow,
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

/** What a start with `publishOutput` adds: the order it was paid with, its signature, and what is to become of the results. */
function publishResults(workflow: StoredWorkflow, order: ProofOrder, serviceEndpoint: string): void {
  const [stage] = workflow.spec.metadata.stages
  if (!stage) return
  const text = `${CONSUMER.address}${order.did}1`
  const consent = { text, signature: signMessage(text, CONSUMER.publishedPrivateKey) }
  stage.evidence = { orders: [order], rules: [], consent }
  const owner = CONSUMER.address
  stage.output.derivedAsset = { outputs: true, log: true, owner, whitelist: [], metadata: {}, serviceEndpoint }
}

function buildWorkflow(
  jobId: string,
  { environment, scheduled, place }: { environment: string; scheduled: ScheduledJob; place: JobPlace['place'] },
  inputUrl: string,
): StoredWorkflow {
  const algorithm = {
    id: '',
    rawcode: buildAlgorithmSource(scheduled.behaviour, scheduled.lastsMs, place.lives),
    container: { entrypoint: 'node $ALGO', ...place.container },
  }
  const input = [{ index: 0, id: `did:op:${'a'.repeat(64)}`, url: [inputUrl] }]
  return {
    apiVersion: 'v0.0.1',
    kind: 'WorkFlow',
    metadata: { name: jobId, namespace: environment, labels: { workflow: jobId }, secret: 'kept for the algorithm' },
    spec: { metadata: { chainId: 8996, stages: [{ index: 0, input, compute: {}, algorithm, output: {} }] } },
  }
}
