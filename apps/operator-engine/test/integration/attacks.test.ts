import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Executor, StepLimits } from '../../src/executor/executor.ts'
import { detectSandbox } from '../../src/executor/sandbox/detect-sandbox.ts'
import { listGains, loadAttack, parseReport, reverseText } from '../attacks/load-attack.ts'
import { buildJobId, buildStep, waitForEnd, waitUntil } from './executor-conformance.ts'
import type { ProcessSetup } from './executor-process-setup.ts'
import { countProcesses, setUpProcess } from './executor-process-setup.ts'
import { SANDBOXES_HERE } from './sandboxes-here.ts'

const MARKER = 'what-belongs-to-another-job'
const DATASET = '/data/inputs/dataset'
const CONTENT = 'data'
const MIB = 1024 ** 2

describe.each(SANDBOXES_HERE)('attacks under %s', (kind) => {
  let setup: ProcessSetup
  let executor: Executor
  let outside: string
  let reached = 0
  const jobs: string[] = []
  const listener = createServer((socket) => {
    reached += 1
    socket.on('error', () => undefined)
    socket.destroy()
  })

  const inJob = (jobId: string, ...path: string[]) => join(setup.root, jobId, ...path)

  async function startAttack(name: string, settings: object = {}, limits: Partial<StepLimits> = {}): Promise<string> {
    const attack = await loadAttack(name)
    const jobId = buildJobId()
    jobs.push(jobId)
    await executor.prepare(jobId)
    await writeFile(inJob(jobId, 'data', 'transformations', 'algorithm'), attack.code)
    await writeFile(inJob(jobId, 'data', 'inputs', 'dataset'), CONTENT)
    const { env, ...step } = buildStep(`${attack.entrypoint} ${jobId}`, limits)
    const shared = { dataset: DATASET, content: CONTENT }
    await executor.start(jobId, 'algorithm', {
      ...step,
      env: { ...env, ATTACK: JSON.stringify({ ...shared, ...settings }), FIRST_CONNECT: ownAddress() },
    })
    return jobId
  }

  async function runAttack(name: string, settings: object = {}, limits: Partial<StepLimits> = {}) {
    const jobId = await startAttack(name, settings, limits)
    const ended = await waitForEnd(executor, jobId)
    return { jobId, ended, log: await text(executor.logs(jobId, 'algorithm')) }
  }

  const readLog = (jobId: string) => readFile(inJob(jobId, 'data', 'logs', 'algorithm.log'), 'utf8').catch(() => '')

  const ownAddress = () => {
    const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    const host = own.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
    return `${host}:${(listener.address() as AddressInfo).port}`
  }

  beforeAll(async () => {
    setup = await setUpProcess(await detectSandbox({ allowUnsandboxed: false, kinds: [kind] }))
    executor = await setup.makeExecutor()
    outside = await mkdtemp(join(tmpdir(), 'c2d-outside-'))
    await writeFile(join(outside, 'secret'), MARKER)
    await new Promise<void>((resolve) => listener.listen(0, '0.0.0.0', resolve))
  })
  afterEach(async () => {
    for (const jobId of jobs.splice(0)) await executor.remove(jobId)
  })
  afterAll(async () => {
    await executor.close()
    await setup.close()
    await rm(outside, { recursive: true })
    listener.close()
  })

  it('behaviour: the network gives nothing to whoever asks first, and last', async () => {
    reached = 0
    for (const name of ['first-connect.sh', 'reach-network.py']) {
      const own = ownAddress()
      const host = own.slice(0, own.indexOf(':'))
      const settings = { tcp: [own], udp: [own], icmp: [host], names: ['localhost.example'], rounds: 1 }
      const { ended, log } = await runAttack(name, settings)
      expect(listGains(parseReport(log))).toEqual([])
      expect(ended).toMatchObject({ exitCode: 0, reason: null })
    }
    expect(reached).toBe(0)
  })

  it('behaviour: what belongs to others cannot be found', async () => {
    const other = buildJobId()
    jobs.push(other)
    await executor.prepare(other)
    await writeFile(inJob(other, 'data', 'inputs', 'dataset'), MARKER)
    const settings = { marker: reverseText(MARKER), hostFile: join(outside, 'secret') }
    const { log } = await runAttack('read-others.py', settings)
    expect(listGains(parseReport(log))).toEqual([])
  })

  it('behaviour: inputs stay as they are', async () => {
    const { jobId, log } = await runAttack('write-inputs.py')
    expect(listGains(parseReport(log))).toEqual([])
    expect(await readFile(inJob(jobId, 'data', 'inputs', 'dataset'), 'utf8')).toBe(CONTENT)
  })

  it('behaviour: no way leads to root', async () => {
    const { log } = await runAttack('become-root.py')
    expect(listGains(parseReport(log))).toEqual([])
  })

  it.each<[string, object, Partial<StepLimits>, string]>([
    ['fill-disk.py', { bytes: 4 * MIB }, { workspaceBytes: 4 * MIB }, 'WorkspaceFull'],
    ['eat-memory.py', { megabytes: 2048 }, { memoryBytes: 96 * MIB }, 'OutOfMemory'],
  ])('behaviour: %s ends with its reason', async (name, settings, limits, reason) => {
    const { ended } = await runAttack(name, settings, limits)
    expect(ended.reason).toBe(reason)
  })

  it('behaviour: forking ends where it must', async () => {
    const { log, ended } = await runAttack('fork-bomb.py', { processes: 3000 })
    expect(log).toContain('refused after')
    expect(listGains(parseReport(log))).toEqual([])
    expect(ended.exitCode).toBe(3)
  })

  it('behaviour: nobody outlives the time limit, however he ignores signals', async () => {
    const jobId = await startAttack('outlive.py', {}, { graceSeconds: 1 })
    const isPython = async () => (await readLog(jobId)).includes('will not end')
    await waitUntil(isPython)
    expect(await countProcesses(jobId)).toBeGreaterThan(0)
    await executor.stop(jobId, 'algorithm', 'TimedOut')
    expect(await waitForEnd(executor, jobId)).toMatchObject({ reason: 'TimedOut' })
    expect(await countProcesses(jobId)).toBe(0)
  })

  it('behaviour: of a flood of log a bounded part is kept', async () => {
    const { jobId, log, ended } = await runAttack('flood-log.py', { seconds: 3 }, { logBytes: MIB })
    expect(log.length).toBeLessThan(MIB + 1000)
    expect(ended.phase).toBe('ended')
    const kept = await readFile(inJob(jobId, 'data', 'logs', 'algorithm.log'))
    expect(kept.length).toBeLessThan(MIB + 1000)
  })

  it('behaviour: strange outputs win nothing by being made, and can be removed', async () => {
    const { jobId, log } = await runAttack('smuggle-outputs.py')
    expect(listGains(parseReport(log))).toEqual([])
    const left = await readdir(inJob(jobId, 'data', 'outputs'))
    expect(left).toContain('fine.txt')
    // What is no file is gone before anybody carries it out.
    for (const name of ['link-input', 'link-host', 'folder', 'pipe', 'socket', 'device'])
      expect(left).not.toContain(name)
    await executor.remove(jobId)
    expect((await executor.observe(jobId)).prepared).toBe(false)
  })
})
