import { text } from 'node:stream/consumers'
import { isolationReceiptSchema } from '@c2d/contracts'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { StepLimits } from '../../../src/executor/executor.ts'
import { listGains, loadAttack, parseReport, reverseText } from '../../attacks/load-attack.ts'
import { waitUntil } from '../../integration/executor-conformance.ts'
import { countProcesses } from '../../integration/executor-process-setup.ts'
import { HAS_DECOY, MARKER, MIB, openAttackWorld, type AttackWorld } from './attack-world.ts'

/** How many algorithms connect with their first instruction; the promise is for 200 of 200. */
const FIRST_STARTS = Number(process.env['C2D_TEST_FIRST_STARTS'] ?? 3)
const AT_ONCE = 4
const OUTSIDE = ['198.51.100.7:443', '8.8.8.8:53', '169.254.169.254:80']
const MINUTES = 60_000

/** RuntimeClasses the attacks are run under, the cluster's default one first. */
const RUNTIMES = ['', ...(process.env['C2D_TEST_RUNTIME_CLASSES'] ?? '').split(',').filter(Boolean)]

/** Those whose runtime is set up to ignore cgroups: what a pod may use of memory and processes is not held there. */
const WITHOUT_CGROUPS = (process.env['C2D_TEST_RUNTIMES_WITHOUT_CGROUPS'] ?? '').split(',').filter(Boolean)

describe.each(RUNTIMES)('attacks on the cluster, RuntimeClass %j', (runtimeClass) => {
  let world: AttackWorld
  let neighbour: string
  let neighbourIp: string
  const ownKernel = runtimeClass === 'gvisor'
  const itWithCgroups = WITHOUT_CGROUPS.includes(runtimeClass) ? it.skip : it

  beforeAll(async () => {
    world = await openAttackWorld(runtimeClass === '' ? {} : { runtimeClass })
    // Another job, which listens, owns something, and must not notice anything.
    neighbour = await world.start(null, {
      script: `printf '${MARKER}' > /data/outputs/own; python3 -m http.server 8080 --directory /data/outputs & while :; do cat /data/outputs/own > /dev/null && echo well; sleep 1; done`,
      limits: { maxDurationSeconds: 3000 },
    })
    neighbourIp = await world.findPodIp(neighbour)
    await waitUntil(async () => (await world.executor.observe(neighbour)).steps.algorithm.phase === 'running', 60_000)
  }, 3 * MINUTES)

  afterAll(async () => {
    await world.close()
  }, 2 * MINUTES)

  async function expectNoTrace(jobId: string): Promise<void> {
    if (HAS_DECOY) expect(await world.listEscapes(jobId)).toEqual([])
    expect(world.visitors).toEqual([])
    const { algorithm } = (await world.executor.observe(neighbour)).steps
    expect(algorithm.phase).toBe('running')
  }

  it(
    'the control: from a pod that is not sealed, the same attack gets through',
    async () => {
      const { code } = await loadAttack('first-connect.sh')
      const jobId = await world.startOpen(code, { FIRST_CONNECT: world.targets.canary })
      const log = await text(world.executor.logs(jobId, 'configure'))
      expect(listGains(parseReport(log))).toEqual([expect.stringContaining(world.targets.canary)])
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  it(
    'behaviour: nor does a pod that is not sealed get into one that is',
    async () => {
      const { code } = await loadAttack('first-connect.sh')
      const jobId = await world.startOpen(code, { FIRST_CONNECT: `${neighbourIp}:8080` })
      expect(listGains(parseReport(await text(world.executor.logs(jobId, 'configure'))))).toEqual([])
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  it(
    'behaviour: nothing on the network can be reached, and the receipt says what was tried before',
    async () => {
      const { canary, provider, database } = world.targets
      const { api, dns } = world.services
      const services = [api, dns, `${world.hostIp}:10250`, `${world.hostIp}:6443`]
      const tcp = [canary, provider, database, `${neighbourIp}:8080`, ...services, ...OUTSIDE, '[fd00::1]:443']
      const settings = {
        tcp,
        udp: [`${neighbourIp}:8080`, ...OUTSIDE],
        dns: [dns, '8.8.8.8:53'],
        icmp: [world.hostIp, neighbourIp, '8.8.8.8'],
        names: ['kubernetes.default.svc.cluster.local', 'example.com'],
      }
      const { jobId, ended, report } = await world.run('reach-network.py', { settings })
      expect(listGains(report)).toEqual([])
      expect(report.tries.length).toBeGreaterThan(2 * tcp.length)
      expect(ended).toMatchObject({ exitCode: 0, reason: null, receipt: { sealed: true, egress: 'none' } })
      expect(isolationReceiptSchema.parse(ended.receipt).probes.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['canary', 'api-server', 'node', 'dns', 'dns/udp']),
      )
      await expectNoTrace(jobId)
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  it(
    `behaviour: whoever connects with the first instruction does not get through, ${FIRST_STARTS} times of ${FIRST_STARTS}`,
    async () => {
      const env = { FIRST_CONNECT: `${world.targets.canary} ${world.services.api} 8.8.8.8:53 ${OUTSIDE[0] ?? ''}` }
      let started = 0
      const gains: string[] = []
      const runOne = async () => {
        while (started < FIRST_STARTS) {
          started += 1
          const { jobId, report } = await world.run('first-connect.sh', { env })
          gains.push(...listGains(report))
          await expectNoTrace(jobId)
          await world.executor.remove(jobId)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, runOne))
      expect(gains).toEqual([])
    },
    (2 + FIRST_STARTS / 4) * MINUTES,
  )

  it(
    'behaviour: what belongs to other jobs, to us and to the host cannot be found',
    async () => {
      const settings = { marker: reverseText(MARKER), hostFile: '/var/lib/dpkg/status-of-the-host' }
      const { jobId, report } = await world.run('read-others.py', { settings })
      expect(listGains(report)).toEqual([])
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  it(
    'behaviour: inputs stay as they are',
    async () => {
      const { jobId, report } = await world.run('write-inputs.py')
      expect(listGains(report)).toEqual([])
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  it(
    'behaviour: no way leads to root',
    async () => {
      const { jobId, report } = await world.run('become-root.py', { settings: { seccomp: true, ownKernel } })
      expect(listGains(report)).toEqual([])
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  it(
    'behaviour: the disk ends where the volume ends',
    async () => {
      const { jobId, ended, log, report } = await world.run('fill-disk.py', { settings: { bytes: 32 * MIB } })
      expect(listGains(report)).toEqual([])
      expect(log).toContain('ENOSPC')
      expect(ended.exitCode).toBe(3)
      await expectNoTrace(jobId)
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  it(
    'behaviour: no file of the node’s own can be filled',
    async () => {
      // The control: there is one in every pod, and nothing but its place keeps an algorithm from it.
      const open = await world.startOpen('head -c 1000000 /dev/zero > /dev/termination-log && echo filled', {})
      expect(await text(world.executor.logs(open, 'configure'))).toContain('filled')
      await world.executor.remove(open)
      const { jobId, report } = await world.run('fill-node.py', { settings: { bytes: MIB } })
      expect(report.tries.length).toBeGreaterThan(10)
      expect(listGains(report)).toEqual([])
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  itWithCgroups(
    'behaviour: memory ends where its limit is',
    async () => {
      const jobId = await world.start('eat-memory.py', { settings: { megabytes: 1024 } })
      expect(await world.waitForEnd(jobId)).toMatchObject({ reason: 'OutOfMemory' })
      await expectNoTrace(jobId)
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  itWithCgroups(
    'behaviour: forking ends, by a refusal or with the pod',
    async () => {
      const jobId = await world.start('fork-bomb.py', {
        settings: { processes: 3000 },
        limits: { memoryBytes: 512 * MIB, maxDurationSeconds: 60 },
      })
      const ended = await world.waitForEnd(jobId)
      const log = await world.readLog(jobId)
      expect(log.includes('refused after') || ended.reason === 'OutOfMemory').toBe(true)
      await expectNoTrace(jobId)
      await world.executor.remove(jobId)
    },
    4 * MINUTES,
  )

  it(
    'behaviour: nobody outlives his time limit, however he ignores signals',
    async () => {
      const jobId = await world.start('outlive.py', { limits: { graceSeconds: 1 } })
      await waitUntil(async () => (await world.executor.observe(jobId)).steps.algorithm.phase === 'running', 60_000)
      // A kernel of its own does not show its processes to this machine, which is the node.
      if (!ownKernel) await waitUntil(async () => (await countProcesses(jobId)) > 0)
      await world.executor.stop(jobId, 'algorithm', 'TimedOut')
      expect(await world.waitForEnd(jobId)).toMatchObject({ reason: 'TimedOut' })
      await expectNoTrace(jobId)
      await world.executor.remove(jobId)
      expect(await countProcesses(jobId)).toBe(0)
    },
    3 * MINUTES,
  )

  it(
    'behaviour: nor without an engine that holds it: the pod has a deadline of its own',
    async () => {
      const jobId = await world.start('outlive.py', { limits: { graceSeconds: 1, maxDurationSeconds: 5 } })
      expect(await world.waitForEnd(jobId)).toMatchObject({ reason: 'TimedOut' })
      await world.executor.remove(jobId)
      expect(await countProcesses(jobId)).toBe(0)
    },
    3 * MINUTES,
  )

  it.each<[string, string, object, Partial<StepLimits>]>([
    ['flood-log.py', 'WorkspaceFull', { seconds: 90 }, { logBytes: MIB }],
    ['fill-tmp.py', 'WorkspaceFull', { bytes: 900 * MIB, seconds: 90 }, {}],
  ])(
    'behaviour: %s takes its share of the node, and ends %s',
    async (name, expected, settings, limits) => {
      const jobId = await world.start(name, { settings, limits: { maxDurationSeconds: 120, ...limits } })
      const ended = await world.waitForEnd(jobId)
      const log = await world.readLog(jobId)
      expect(log.length).toBeLessThan(MIB + 1000)
      expect(log).not.toContain('and live')
      // Kubelet sees it within seconds and takes the pod away, long before ten gigabytes.
      expect(ended.reason).toBe(expected)
      await expectNoTrace(jobId)
      await world.executor.remove(jobId)
    },
    5 * MINUTES,
  )

  it(
    'behaviour: strange outputs win nothing by being made, and go with the job',
    async () => {
      const { jobId, report } = await world.run('smuggle-outputs.py')
      expect(listGains(report)).toEqual([])
      await world.executor.remove(jobId)
      expect((await world.executor.observe(jobId)).prepared).toBe(false)
    },
    3 * MINUTES,
  )

  it('behaviour: the neighbour noticed nothing of all this', async () => {
    const { algorithm } = (await world.executor.observe(neighbour)).steps
    expect(algorithm.phase).toBe('running')
    expect(world.visitors).toEqual([])
  })
})
