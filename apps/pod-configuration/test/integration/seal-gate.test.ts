import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SEAL_GATE_EXIT, SEAL_MARK, isolationReceiptSchema, sealMarkSchema } from '@c2d/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { runRounds } from '../../src/seal-gate/run-rounds.ts'
import { tryControl, writeSealMark } from '../../src/seal-mark.ts'

const CONTROL = '10.0.0.5:7000'
let folder: string
let volume: string
let program: string
let listener: Server
let address: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2d-seal-'))
  program = join(folder, 'seal-gate.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, '../../src/seal-gate/main.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
  listener = createServer((socket) => socket.on('error', () => undefined).end())
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  address = `127.0.0.1:${(listener.address() as AddressInfo).port}`
})
afterAll(async () => {
  listener.close()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  volume = await mkdtemp(join(folder, 'volume-'))
})

/** The program in a network namespace of its own, where nothing can answer. */
function startGate(...flags: string[]) {
  const receipt = join(volume, 'receipt')
  const mark = join(volume, SEAL_MARK.folder, SEAL_MARK.file)
  const child = spawn(
    'unshare',
    [
      ...['--user', '--map-root-user', '--net', '--', process.execPath, program],
      ...['--control', CONTROL, '--mark', mark, '--mark-id', 'job-1', '--receipt', receipt, ...flags],
    ],
    { env: { KUBERNETES_SERVICE_HOST: '10.96.0.1', HOST_IP: '10.1.2.3', PATH: process.env['PATH'] ?? '' } },
  )
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => ({ code, signal }))
  const readReceipt = async () => isolationReceiptSchema.parse(JSON.parse(await readFile(receipt, 'utf8')))
  return { child, ended, readReceipt }
}

describe('the seal gate', () => {
  it('ends well once staging is complete and nothing answers, and says what it tried', async () => {
    const gate = startGate()
    await writeSealMark(volume, { id: 'job-1', control: { address: CONTROL, reached: true } })
    expect(await gate.ended).toMatchObject({ code: SEAL_GATE_EXIT.sealed })
    const receipt = await gate.readReceipt()
    expect(receipt).toMatchObject({ sealed: true, egress: 'none' })
    expect(receipt.rounds).toBeGreaterThanOrEqual(3)
    expect(receipt.probes).toEqual(
      expect.arrayContaining([
        { name: 'canary', address: CONTROL, answers: 0 },
        { name: 'api-server', address: '10.96.0.1:443', answers: 0 },
        { name: 'node', address: '10.1.2.3:10250', answers: 0 },
      ]),
    )
  })

  it('behaviour: waits for the mark, and for the one of this job', async () => {
    await writeSealMark(volume, { id: 'job-0', control: { address: CONTROL, reached: true } })
    const gate = startGate('--wait', '1')
    expect(await gate.ended).toMatchObject({ code: SEAL_GATE_EXIT.noMark })
    expect(await gate.readReceipt()).toMatchObject({ sealed: false, failure: 'NoMark', tried: 0 })
  })

  it.each([
    ['was not reached', { address: CONTROL, reached: false }],
    ['was another one', { address: '10.0.0.6:7000', reached: true }],
  ])('error: silence proves nothing when the control %s', async (_, control) => {
    await writeSealMark(volume, { id: 'job-1', control })
    const gate = startGate()
    expect(await gate.ended).toMatchObject({ code: SEAL_GATE_EXIT.notSealed })
    expect(await gate.readReceipt()).toMatchObject({ sealed: false, failure: 'NoControl' })
  })

  it('behaviour: ends at once when its pod is deleted while it waits', async () => {
    const gate = startGate()
    await new Promise((resolve) => setTimeout(resolve, 300))
    gate.child.kill('SIGTERM')
    const { code, signal } = await gate.ended
    expect(code === 143 || signal === 'SIGTERM').toBe(true)
  })

  it('behaviour: what answers is never sealed', async () => {
    const { port } = listener.address() as AddressInfo
    const target = { name: 'open', protocol: 'tcp' as const, host: '127.0.0.1', port }
    const result = await runRounds([target], { rounds: 3, everyMs: 20, answerMs: 100, timeoutMs: 300 })
    expect(result.sealed).toBe(false)
    expect(result.answers[0]).toBe(result.tried)
  })
})

describe('the mark of the configure pod', () => {
  it('says that the control was reached', async () => {
    await writeSealMark(volume, { id: 'job-1', control: await tryControl(address) })
    const mark: unknown = JSON.parse(await readFile(join(volume, SEAL_MARK.folder, SEAL_MARK.file), 'utf8'))
    expect(sealMarkSchema.parse(mark)).toEqual({ id: 'job-1', control: { address, reached: true } })
  })

  it('error: a control that does not answer is said to be so', async () => {
    expect(await tryControl('127.0.0.1:1', 0)).toEqual({ address: '127.0.0.1:1', reached: false })
  })

  it('behaviour: a control that is away for a moment, as an engine is that was killed, is waited for', async () => {
    const before = createServer().listen(0, '127.0.0.1')
    await once(before, 'listening')
    const { port } = before.address() as AddressInfo
    before.close()
    await once(before, 'close')
    const control = tryControl(`127.0.0.1:${port}`)
    await sleep(2_500) // longer than it was once tried
    const engine = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1')
    try {
      expect(await control).toEqual({ address: `127.0.0.1:${port}`, reached: true })
    } finally {
      engine.close()
    }
  })
})
