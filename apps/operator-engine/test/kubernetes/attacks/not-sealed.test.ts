import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { StepEnded } from '../../../src/executor/executor.ts'
import { buildPolicies } from '../../../src/executor/kubernetes/build-policies.ts'
import { listGains, parseReport } from '../../attacks/load-attack.ts'
import { waitUntil } from '../../integration/executor-conformance.ts'
import { HAS_DECOY, openAttackWorld, type AttackWorld } from './attack-world.ts'

const MINUTES = 60_000

/** A file with the id of the process that enforces policies; named only where nobody else uses the cluster. */
const ENFORCER = process.env['C2D_TEST_KUBECONFIG_FAULTS'] === '1' ? process.env['C2D_TEST_POLICY_PID_FILE'] : undefined
const itWithFaults = ENFORCER === undefined ? it.skip : it

describe('a network that is not sealed', () => {
  let world: AttackWorld
  let policies: string

  beforeAll(async () => {
    world = await openAttackWorld({ sealSeconds: 15 })
    policies = `/apis/networking.k8s.io/v1/namespaces/${world.namespace.name}/networkpolicies`
  }, 2 * MINUTES)
  afterAll(async () => {
    await world.close()
  }, 2 * MINUTES)

  const removePolicies = async () => {
    for (const { metadata } of buildPolicies(world.namespace.name)) {
      await world.namespace.client.delete(`${policies}/${metadata?.name ?? ''}`)
    }
  }
  const restorePolicies = async () => {
    for (const policy of buildPolicies(world.namespace.name)) await world.namespace.client.create(policies, policy)
  }
  const firstConnect = () => ({ env: { FIRST_CONNECT: `${world.targets.provider} ${world.services.api} 8.8.8.8:53` } })

  /** Until staging is complete and the gate has had time to find the network open. */
  async function waitForOpenGate(jobId: string): Promise<void> {
    const hasStaged = async () => (await world.executor.observe(jobId)).steps.configure.phase === 'ended'
    await waitUntil(hasStaged, 60_000)
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }

  async function expectNeverRan(jobId: string, ended: StepEnded): Promise<void> {
    expect(ended).toMatchObject({ reason: 'NetworkNotSealed', exitCode: null })
    expect(ended.receipt?.sealed).toBe(false)
    expect(await world.readLog(jobId)).toBe('')
    expect(world.visitors).toEqual([])
    if (HAS_DECOY) expect(await world.listEscapes(jobId)).toEqual([])
    await world.executor.remove(jobId)
  }

  it(
    'error: where no policy holds, the algorithm never runs, and the receipt names what answered',
    async () => {
      await removePolicies()
      const jobId = await world.start('first-connect.sh', firstConnect())
      const ended = await world.waitForEnd(jobId)
      expect(ended.receipt).toMatchObject({ failure: 'Answered', rounds: 0 })
      const answered = (ended.receipt?.probes ?? []).filter(({ answers }) => answers > 0).map(({ name }) => name)
      expect(answered.sort()).toEqual(['api-server', 'canary', 'dns', 'node'])
      await expectNeverRan(jobId, ended)
      await restorePolicies()
    },
    3 * MINUTES,
  )

  it(
    'behaviour: a policy that comes late is waited for, and then the algorithm runs',
    async () => {
      await removePolicies()
      const jobId = await world.start('first-connect.sh', firstConnect())
      await waitForOpenGate(jobId)
      await restorePolicies()
      const ended = await world.waitForEnd(jobId)
      expect(ended).toMatchObject({ exitCode: 0, receipt: { sealed: true } })
      expect(world.visitors).toEqual([])
      if (HAS_DECOY) expect(await world.listEscapes(jobId)).toEqual([])
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  it(
    'behaviour: what the gate found open leaves no flow behind that a firewall still lets through',
    async () => {
      await removePolicies()
      const settings = { dns: [world.services.dns], tcp: [world.targets.canary] }
      const jobId = await world.start('reuse-flows.py', { settings })
      await waitForOpenGate(jobId)
      await restorePolicies()
      const ended = await world.waitForEnd(jobId)
      expect(ended).toMatchObject({ exitCode: 0, receipt: { sealed: true } })
      // Otherwise the network was sealed before the gate looked, and there was nothing to find.
      expect(ended.receipt?.probes.some(({ answers }) => answers > 0)).toBe(true)
      expect(listGains(parseReport(await world.readLog(jobId)))).toEqual([])
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  it(
    'behaviour: with egress to public addresses, everything private is as silent',
    async () => {
      const { canary, database } = world.targets
      const { api, dns } = world.services
      const tcp = [canary, database, api, `${world.hostIp}:10250`, '169.254.169.254:80', '192.168.0.1:80']
      const settings = { tcp, dns: [dns], icmp: [world.hostIp], names: ['kubernetes.default.svc'] }
      const { jobId, ended, report } = await world.run('reach-network.py', { settings, allowNetworkAccess: true })
      expect(listGains(report)).toEqual([])
      expect(ended.receipt).toMatchObject({ sealed: true, egress: 'public' })
      await world.executor.remove(jobId)
    },
    3 * MINUTES,
  )

  itWithFaults(
    'error: with the program that enforces policies halted, the algorithm never runs',
    async () => {
      const pid = Number(readFileSync(ENFORCER ?? '', 'utf8'))
      process.kill(pid, 'SIGSTOP')
      try {
        const jobId = await world.start('first-connect.sh', firstConnect())
        const ended = await world.waitForEnd(jobId)
        expect(ended.receipt).toMatchObject({ failure: 'Answered' })
        await expectNeverRan(jobId, ended)
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      const { jobId, ended, report } = await world.run('first-connect.sh', firstConnect())
      expect(listGains(report)).toEqual([])
      expect(ended.receipt).toMatchObject({ sealed: true })
      await world.executor.remove(jobId)
    },
    4 * MINUTES,
  )

  it(
    'error: silence proves nothing when nobody reached the control before',
    async () => {
      await world.closeCanary()
      const jobId = await world.start('first-connect.sh', firstConnect())
      const ended = await world.waitForEnd(jobId)
      expect(ended.receipt).toMatchObject({ failure: 'NoControl', rounds: 0 })
      await expectNeverRan(jobId, ended)
    },
    3 * MINUTES,
  )
})
