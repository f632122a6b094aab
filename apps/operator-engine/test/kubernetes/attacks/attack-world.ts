import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import type { Executor, StepEnded, StepLimits, StepSpec } from '../../../src/executor/executor.ts'
import { createCanary, type Canary } from '../../../src/executor/kubernetes/canary.ts'
import type { ClusterEnvironment } from '../../../src/executor/kubernetes/settings.ts'
import { loadAttack, parseReport, type AttackReport } from '../../attacks/load-attack.ts'
import { buildJobId, buildStep, waitUntil } from '../../integration/executor-conformance.ts'
import { provideGateImage } from '../support/gate-image.ts'
import { createTestNamespace, TEST_IMAGE, type TestNamespace } from '../support/test-cluster.ts'

export const DATASET = '/data/inputs/dataset'
export const CONTENT = 'what its owner shows to this job only'
/** Stands in everything that belongs to others: the neighbour's dataset, and the private files of every configure pod. */
export const MARKER = 'marker-of-what-belongs-to-others'
export const MIB = 1024 ** 2
const END_MS = 240_000

/** What the configure pod does in these tests: stages, tries the control, and writes the mark. */
const STAGE = `
const fs = require('fs'), net = require('net'), from = process.env.STEP_FILES
fs.copyFileSync(from + '/algorithm', '/data/transformations/algorithm')
fs.chmodSync('/data/transformations/algorithm', 0o755)
fs.copyFileSync(from + '/dataset', '${DATASET}')
const address = process.env.SEAL_CONTROL, colon = address.lastIndexOf(':')
const write = (reached) => {
  fs.writeFileSync('/data/seal/part', JSON.stringify({ id: process.env.SEAL_MARK_ID, control: { address, reached } }))
  fs.renameSync('/data/seal/part', '/data/seal/staged.json')
  process.exit(0)
}
net.connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }).on('connect', () => write(true)).on('error', () => write(false))
setTimeout(() => write(false), 3000)`

/** How one attack went. */
export interface AttackResult {
  jobId: string
  ended: StepEnded
  log: string
  report: AttackReport
}

export interface AttackOptions {
  settings?: object
  env?: Record<string, string>
  limits?: Partial<StepLimits>
  /** In place of an attack's file: shell text. */
  script?: string
  /** Whether every dataset of the job allows egress to public addresses. */
  allowNetworkAccess?: boolean
}

const podListSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), creationTimestamp: z.string(), labels: z.record(z.string(), z.string()) }),
      spec: z.object({ nodeName: z.string().optional() }),
      status: z.object({ podIP: z.string().optional() }),
    }),
  ),
})
const serviceSchema = z.object({ spec: z.object({ clusterIP: z.string() }) })
const nodeListSchema = z.object({
  items: z.array(
    z.object({ status: z.object({ addresses: z.array(z.object({ type: z.string(), address: z.string() })) }) }),
  ),
})
const contactSchema = z.object({ time: z.string(), protocol: z.string(), from: z.string() })

/** A namespace with an executor whose algorithms stand behind the seal gate, listeners to be reached, and a way to run attacks. */
export interface AttackWorld {
  readonly executor: Executor
  readonly namespace: TestNamespace
  readonly hostIp: string
  /** `ip:port` of the API server's service, and of the cluster's DNS. */
  readonly services: { api: string; dns: string }
  /** `ip:port` of listeners of this machine: the canary, and what stands for the provider and the database. */
  readonly targets: { canary: string; provider: string; database: string }
  /** Who reached the provider or the database since the world began. */
  readonly visitors: string[]
  /** Starts an attack as a job's algorithm, early, as the engine does. */
  start(name: string | null, options?: AttackOptions): Promise<string>
  /** Runs shell text as the configure step of a job, whose pod is open, and returns at once. */
  startOpen(script: string, env: Record<string, string>): Promise<string>
  /** Runs an attack to its end, which must report. */
  run(name: string | null, options?: AttackOptions): Promise<AttackResult>
  waitForEnd(jobId: string, timeoutMs?: number): Promise<StepEnded>
  readLog(jobId: string): Promise<string>
  /** The address of the pod of a job's algorithm. */
  findPodIp(jobId: string): Promise<string>
  /** Contacts of the outside's decoy with a job's algorithm; throws where C2D_TEST_DECOY names no record of it. */
  listEscapes(jobId: string): Promise<string[]>
  /** From now on nothing listens at the canary's address. */
  closeCanary(): Promise<void>
  close(): Promise<void>
}

/** Whether the cluster's outside world is a decoy that keeps a record. */
export const HAS_DECOY = process.env['C2D_TEST_DECOY'] !== undefined

/** Opens an attack world. @param environment what differs from an environment of the tests */
export async function openAttackWorld(environment: Partial<ClusterEnvironment> = {}): Promise<AttackWorld> {
  const namespace = await createTestNamespace('seal')
  const nodes = nodeListSchema.parse(await namespace.client.get('/api/v1/nodes'))
  const hostIp = nodes.items[0]?.status.addresses.find(({ type }) => type === 'InternalIP')?.address
  if (!hostIp) throw new Error('the cluster has no node with an address')
  const findService = async (folder: string, name: string) =>
    serviceSchema.parse(await namespace.client.get(`/api/v1/namespaces/${folder}/services/${name}`)).spec.clusterIP
  const services = {
    api: `${await findService('default', 'kubernetes')}:443`,
    dns: `${await findService('kube-system', 'kube-dns')}:53`,
  }
  let canary: Canary | null = await createCanary({ host: hostIp, port: 0 })
  const canaryAddress = `${hostIp}:${canary.port}`
  const visitors: string[] = []
  const listeners = await Promise.all([openListener(hostIp, visitors), openListener(hostIp, visitors)])
  const [provider = '', database = ''] = listeners.map(
    (server) => `${hostIp}:${(server.address() as AddressInfo).port}`,
  )
  const targets = { canary: canaryAddress, provider, database }
  const image = await provideGateImage()
  const executor = await namespace.makeExecutor(
    { images: { configure: image, publish: image }, seal: { canary: targets.canary, probes: [] } },
    { cpuNumber: 0.2, workspaceBytes: 32 * MIB, sealSeconds: 30, ...environment },
  )

  async function findPod(jobId: string) {
    const labelSelector = `workflow=${jobId},component=algorithm`
    const path = `/api/v1/namespaces/${namespace.name}/pods`
    return podListSchema.parse(await namespace.client.get(path, { labelSelector })).items[0]
  }

  const world: AttackWorld = {
    executor,
    namespace,
    hostIp,
    services,
    targets,
    visitors,
    async start(name, { settings = {}, env = {}, limits = {}, script, allowNetworkAccess = false } = {}) {
      const attack = name === null ? { code: '', entrypoint: script ?? 'true' } : await loadAttack(name)
      const jobId = buildJobId()
      await executor.prepare(jobId)
      const program: StepSpec = {
        ...buildStep(''),
        kind: 'program',
        command: ['node', '-e', STAGE],
        files: { algorithm: attack.code, dataset: CONTENT, secret: MARKER },
      }
      const algorithm: StepSpec = {
        ...buildStep(name === null ? attack.entrypoint : `${attack.entrypoint} ${jobId}`, {
          memoryBytes: 128 * MIB,
          ...limits,
        }),
        env: { ATTACK: JSON.stringify({ dataset: DATASET, content: CONTENT, ...settings }), ...env },
        image: TEST_IMAGE.python,
        allowNetworkAccess,
      }
      await Promise.all([executor.start(jobId, 'configure', program), executor.start(jobId, 'algorithm', algorithm)])
      return jobId
    },
    async startOpen(script, env) {
      const jobId = buildJobId()
      await executor.prepare(jobId)
      const step = buildStep('')
      await executor.start(jobId, 'configure', { ...step, kind: 'program', command: ['bash', '-c', script], env })
      return jobId
    },
    async run(name, options) {
      const jobId = await world.start(name, options)
      const ended = await world.waitForEnd(jobId)
      const log = await world.readLog(jobId)
      if (ended.reason === 'NetworkNotSealed' || ended.reason === 'StartFailed') {
        throw new Error(`the attack did not run: ${JSON.stringify(ended)}`)
      }
      return { jobId, ended, log, report: parseReport(log) }
    },
    async waitForEnd(jobId, timeoutMs = END_MS) {
      let ended: StepEnded | undefined
      await waitUntil(async () => {
        const { algorithm, configure } = (await executor.observe(jobId)).steps
        if (configure.phase === 'ended' && configure.exitCode !== 0) throw new Error(JSON.stringify(configure))
        if (algorithm.phase === 'ended') ended = algorithm
        return ended !== undefined
      }, timeoutMs)
      if (ended === undefined) throw new Error('unreachable')
      return ended
    },
    readLog: (jobId) => text(executor.logs(jobId, 'algorithm')),
    async findPodIp(jobId) {
      let ip: string | undefined
      await waitUntil(async () => {
        ip = (await findPod(jobId))?.status.podIP
        return ip !== undefined
      }, 60_000)
      return ip ?? ''
    },
    async listEscapes(jobId) {
      const path = process.env['C2D_TEST_DECOY']
      const pod = await findPod(jobId)
      if (!path || !pod?.status.podIP) throw new Error('neither a decoy nor a pod to look for')
      const since = Date.parse(pod.metadata.creationTimestamp)
      const contacts = (await readFile(path, 'utf8')).split('\n').filter(Boolean)
      return contacts.filter((line) => {
        const { from, time } = contactSchema.parse(JSON.parse(line))
        // Addresses of pods are given out again; this one's is its own since it was made.
        return from.startsWith(`${pod.status.podIP ?? ''}:`) && Date.parse(time) >= since
      })
    },
    async closeCanary() {
      await canary?.close()
      canary = null
    },
    async close() {
      for (const server of listeners) server.close()
      await executor.close()
      await namespace.remove()
      await canary?.close()
    },
  }
  return world
}

async function openListener(host: string, visitors: string[]): Promise<Server> {
  const server = createServer((socket) => {
    visitors.push(socket.remoteAddress ?? 'somebody')
    socket.on('error', () => undefined)
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return server
}
