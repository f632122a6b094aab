import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { JOB_STATUS } from '@c2d/contracts'
import { notifyJobs, requestStop } from '@c2d/operator-db'
import { z } from 'zod'
import { waitUntil } from '../integration/executor-conformance.ts'
import type { RunningEngine } from '../integration/support/engine-world.ts'
import { createClusterWorld, type ClusterWorld } from './support/cluster-world.ts'
import type { TestNamespace } from './support/test-cluster.ts'

const WAIT_MS = 180_000
const MIB = 1024 ** 2
const GPU = 'tests.c2d/gpu'
const KEY = `0x${'01'.repeat(32)}`
const NAME = `c2d-tests-${randomBytes(3).toString('hex')}`
const RUNTIME = (process.env['C2D_TEST_RUNTIME_CLASSES'] ?? '').split(',')[0] ?? ''
const TOLERATION = { key: 'tests.c2d/paid', operator: 'Exists', effect: 'NoSchedule' }
const isFinished = ({ dateFinished }: { dateFinished: string | null }): boolean => dateFinished !== null
/** Works until it is stopped, and has written by then. */
const STAY = "require('fs').writeFileSync('/data/outputs/here', 'x'); setInterval(() => {}, 1000)"

const podSchema = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()) }),
  spec: z.object({
    runtimeClassName: z.string().optional(),
    priorityClassName: z.string().optional(),
    priority: z.number().optional(),
    nodeSelector: z.record(z.string(), z.string()).optional(),
    tolerations: z.array(z.record(z.string(), z.unknown())),
    containers: z.array(z.object({ resources: z.object({ limits: z.record(z.string(), z.string()) }) })),
  }),
})
const listSchema = z.object({ items: z.array(z.unknown()) })
const eventSchema = z.object({ reason: z.string(), message: z.string() })

/** Names of the environments; each has a namespace of its own, with the shipped quota and limits. */
const IDS = ['free', 'paid', 'sandboxed', 'gpu'] as const
type Id = (typeof IDS)[number]

describe('several environments of one engine, each in a namespace of its own', () => {
  let world: ClusterWorld
  let engine: RunningEngine
  let rooms: Record<Id, TestNamespace>
  let runtimeClass: string

  beforeAll(async () => {
    world = await createClusterWorld('environments')
    rooms = Object.fromEntries(
      await Promise.all(IDS.map(async (id) => [id, await world.addNamespace(id)] as const)),
    ) as typeof rooms
    const { client } = world.namespace
    await client.create('/apis/scheduling.k8s.io/v1/priorityclasses', {
      metadata: { name: NAME },
      value: 1000,
      preemptionPolicy: 'Never',
    })
    runtimeClass = RUNTIME === '' ? NAME : RUNTIME
    if (RUNTIME === '') {
      await client.create('/apis/node.k8s.io/v1/runtimeclasses', { metadata: { name: NAME }, handler: 'runc' })
    }
    const common = { privateKey: KEY, cpuNumber: 0.1, ramGB: 0.125, diskGB: 0.0625, maxJobDuration: 600 }
    const environment = (id: Id, kubernetes: object, rest: object = {}) => ({
      ...common,
      ...rest,
      id,
      kubernetes: { namespace: rooms[id].name, ...kubernetes },
    })
    engine = await world.startClusterEngine(
      {},
      {
        ENVIRONMENTS: JSON.stringify([
          environment('free', {}, { maxJobs: 1 }),
          environment(
            'paid',
            { nodeSelector: { 'kubernetes.io/os': 'linux' }, tolerations: [TOLERATION], priorityClass: NAME },
            { priceMin: 1, maxJobs: 4, ramGB: 0.25 },
          ),
          environment('sandboxed', { runtimeClass }),
          environment('gpu', { gpuResource: GPU, startEarly: false, placeSeconds: 5 }, { gpuNumber: 1 }),
        ]),
      },
    )
  }, WAIT_MS)

  afterAll(async () => {
    const { client } = world.namespace
    await client.delete(`/apis/scheduling.k8s.io/v1/priorityclasses/${NAME}`)
    if (RUNTIME === '') await client.delete(`/apis/node.k8s.io/v1/runtimeclasses/${NAME}`)
    await world.close()
  }, WAIT_MS)

  async function list<T>(id: Id, kind: 'pods' | 'events', jobId: string, schema: z.ZodType<T>): Promise<T[]> {
    const { client, name } = rooms[id]
    const path = `/api/v1/namespaces/${name}/${kind}`
    const { items } = listSchema.parse(await client.get(path, { labelSelector: `workflow=${jobId}` }))
    return items.map((item) => schema.parse(item))
  }
  async function algorithmOf(id: Id, jobId: string): Promise<z.infer<typeof podSchema>['spec'] | undefined> {
    const pods = await list(id, 'pods', jobId, podSchema)
    return pods.find(({ metadata: { labels } }) => labels['component'] === 'algorithm')?.spec
  }
  async function countRunning(id: Id): Promise<number> {
    const text = await (await fetch(`${engine.url()}/metrics`)).text()
    return Number(new RegExp(`c2d_engine_pods\\{environment="${id}",phase="Running"\\} (\\d+)`).exec(text)?.[1])
  }

  it(
    'behaviour: jobs of all of them are at work at once, each by the rules of its own; what cannot be placed ends with its reason',
    async () => {
      const jobs = Object.fromEntries(
        await Promise.all(IDS.map(async (id) => [id, await world.queueClusterJob(STAY, { environment: id })] as const)),
      ) as Record<Id, string>
      const second = await world.queueClusterJob("console.log('next')", { environment: 'free' })

      await waitUntil(
        async () => (await Promise.all((['free', 'paid', 'sandboxed'] as const).map(countRunning))).every((n) => n > 0),
        WAIT_MS,
      )
      for (const id of ['free', 'paid', 'sandboxed'] as const) {
        await world.waitForJob(jobs[id], ({ status }) => status >= JOB_STATUS.running.code, WAIT_MS)
        await waitUntil(async () => (await list(id, 'events', jobs[id], eventSchema)).some(isAlgorithmStarted), WAIT_MS)
      }

      const [free, paid, sandboxed] = await Promise.all([
        algorithmOf('free', jobs.free),
        algorithmOf('paid', jobs.paid),
        algorithmOf('sandboxed', jobs.sandboxed),
      ])
      expect(free).not.toHaveProperty('runtimeClassName')
      expect(free).not.toHaveProperty('nodeSelector')
      expect(free?.priorityClassName).not.toBe(NAME)
      expect(free?.tolerations).not.toContainEqual(TOLERATION)
      expect(paid).toMatchObject({
        priorityClassName: NAME,
        priority: 1000,
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: expect.arrayContaining([TOLERATION]),
      })
      expect(sandboxed).toMatchObject({ runtimeClassName: runtimeClass })
      expect([free, paid].map((pod) => pod?.containers[0]?.resources.limits['memory'])).toEqual([
        String(128 * MIB),
        String(256 * MIB),
      ])

      const gpu = await world.waitForJob(jobs.gpu, isFinished, WAIT_MS)
      expect(gpu).toMatchObject({ status: JOB_STATUS.finished.code, reason: 'Unschedulable', exitCode: null })
      const events = await list('gpu', 'events', jobs.gpu, eventSchema)
      expect(events).toContainEqual({
        reason: 'Unschedulable',
        message: expect.stringContaining(`Insufficient ${GPU}`) as unknown,
      })

      // Free ones come one at a time here, whatever room there is.
      expect(await list('free', 'pods', second, podSchema)).toEqual([])
      for (const id of ['free', 'paid', 'sandboxed'] as const) await requestStop(world.db, { jobId: jobs[id] })
      await notifyJobs(world.db)
      for (const id of ['free', 'paid', 'sandboxed'] as const) {
        const job = await world.waitForJob(jobs[id], isFinished, WAIT_MS)
        expect(job).toMatchObject({ status: JOB_STATUS.finished.code, reason: 'Stopped' })
        expect(job.outputs).toEqual(expect.arrayContaining([expect.objectContaining({ filename: 'here' })]))
        expect(job.isolation).toMatchObject({ sealed: true })
      }
      expect(await world.waitForJob(second, isFinished, WAIT_MS)).toMatchObject({ reason: null, exitCode: 0 })
    },
    4 * WAIT_MS,
  )
})

function isAlgorithmStarted({ reason }: { reason: string }): boolean {
  return reason === 'AlgorithmStarted'
}
