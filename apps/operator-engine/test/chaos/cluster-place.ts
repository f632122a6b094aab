import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { JobRow } from '@c2d/operator-db'
import { sleep } from '@c2d/runtime'
import { LABEL, MANAGER } from '../../src/executor/kubernetes/names.ts'
import { findClusterPrograms } from '../kubernetes/support/cluster-programs.ts'
import { NODE_ADDRESS, openDoor, type Door } from '../kubernetes/support/door.ts'
import { createEngineAccount } from '../kubernetes/support/engine-account.ts'
import { providePodImages } from '../kubernetes/support/pod-images.ts'
import { createTestNamespace, TEST_IMAGE, TEST_KUBECONFIG } from '../kubernetes/support/test-cluster.ts'
import { FAILING_CODE, parseRunNames } from './algorithm-source.ts'
import type { ChaosJob } from './chaos-job.ts'
import { withPatience } from './patience.ts'
import type { ChaosPlace, StepFault } from './place.ts'
import { startPodWitness } from './pod-witness.ts'

const RESULTS_CLAIM = 'results'
/** How long a fault waits for the step it is meant for. */
const STEP_WAIT_MS = 25_000
const LOOK_EVERY_MS = 100
/** Steps of pods take seconds where those of processes take tenths of them. */
const SLOWER = 20
/** What must not be left, beside Jobs. */
const LEFT = ['pods', 'configmaps', 'persistentvolumeclaims', 'secrets']

/**
 * Steps as pods of the cluster that C2D_TEST_KUBECONFIG names, in a namespace of their own; with what `findClusterPrograms`
 * finds, the cluster itself is hurt too.
 * @param options.folder of the run
 */
export async function createClusterPlace(options: { folder: string; environmentKey: string }): Promise<ChaosPlace> {
  const programs = findClusterPrograms()
  const images = await providePodImages()
  const testNamespace = await createTestNamespace('chaos')
  const { name: namespace, client } = testNamespace
  const kubeconfig = join(options.folder, 'kubeconfig')
  await createEngineAccount({ namespace, kubeconfig: TEST_KUBECONFIG, file: kubeconfig }, client)
  await client.create(`/api/v1/namespaces/${namespace}/persistentvolumeclaims`, {
    metadata: { name: RESULTS_CLAIM },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '64Mi' } } },
  })
  const resultsFolder = join(options.folder, 'results')
  await mkdir(resultsFolder)
  const doors: Door[] = []
  const canaryPort = 20_000 + (randomBytes(2).readUInt16BE() % 10_000)
  const at = (resource: string): string => `/api/v1/namespaces/${namespace}/${resource}`
  const podsPath = at('pods')
  const list = async (path: string, labelSelector: string): Promise<Named[]> =>
    ((await client.get(path, { labelSelector })) as { items: Named[] }).items
  const [node, tag] = splitImage(TEST_IMAGE.node)

  return {
    settingsOf: (engine) => ({
      EXECUTOR: 'kubernetes',
      KUBECONFIG: kubeconfig,
      POD_CONFIGURATION_CONTAINER: images.configuration,
      POD_PUBLISH_CONTAINER: images.publishing,
      RESULTS_CLAIM,
      RESULTS_FOLDER: resultsFolder,
      SEAL_CANARY: `${NODE_ADDRESS}:${canaryPort + engine}`,
      CANARY_HOST: NODE_ADDRESS,
      CANARY_PORT: String(canaryPort + engine),
    }),
    environment: { cpuNumber: 0.15, ramGB: 0.25, diskGB: 0.0625, kubernetes: { namespace } },
    container: { image: node, tag, checksum: '' },
    lives: 'names',
    async reach(port) {
      const door = await openDoor(port)
      doors.push(door)
      return door.address
    },
    watch: () =>
      startPodWitness({
        list: () => client.get(podsPath, { labelSelector: `${LABEL.component}=algorithm` }),
        environmentKey: options.environmentKey,
        endsItself: [0, FAILING_CODE],
      }),
    strike: (job, fault) => evict(job, fault),
    async killProgram({ program, downMs }) {
      if (!programs) return
      await programs.kill(program)
      await sleep(downMs)
      await programs.heal()
    },
    async listLeft() {
      const left: string[] = []
      for (const path of [...LEFT.map(at), `/apis/batch/v1/namespaces/${namespace}/jobs`])
        for (const { metadata } of await list(path, `${LABEL.managedBy}=${MANAGER}`))
          left.push(`${path.slice(path.lastIndexOf('/') + 1)}/${metadata.name}`)
      return left
    },
    checkResults: (row: JobRow, witness) => {
      const names = (row.outputs ?? []).map(({ filename }) => filename)
      const said = parseRunNames(names)
      witness.tell(row.jobId, said)
      const isGood = row.dateFinished !== null && row.reason === null
      return Promise.resolve(
        isGood && !said.some(({ what }) => what === 'done') ? ['is said to be good, but has no results'] : [],
      )
    },
    async close() {
      await withPatience(() => testNamespace.remove())
      await Promise.all(doors.map((door) => door.close()))
    },
  }

  /** Waits for the step of a job, and then a moment, and takes its pod away, as an eviction or a drained node does. */
  async function evict(job: ChaosJob, fault: StepFault): Promise<void> {
    const selector = `${LABEL.workflow}=${job.jobId},${LABEL.component}=${fault.step}`
    const giveUpAtMs = performance.now() + STEP_WAIT_MS
    const look = (): Promise<Named[]> => list(podsPath, selector).catch(() => [])
    let pods = await look()
    while (pods.length === 0) {
      if (performance.now() > giveUpAtMs) return
      await sleep(LOOK_EVERY_MS)
      pods = await look()
    }
    await sleep(fault.afterMs * SLOWER)
    for (const { metadata, status } of await look()) {
      if (status?.phase === 'Succeeded' || status?.phase === 'Failed') continue
      // Noted first: from here on the job may rightly say that it lost a step.
      job.killed.push({ step: fault.step, what: 'pod' })
      await client.delete(`${podsPath}/${metadata.name}`, { gracePeriodSeconds: 1 }).catch(() => undefined)
    }
  }
}

interface Named {
  metadata: { name: string }
  status?: { phase?: string }
}

function splitImage(image: string): [name: string, tag: string] {
  const at = image.lastIndexOf(':')
  return [image.slice(0, at), image.slice(at + 1)]
}
