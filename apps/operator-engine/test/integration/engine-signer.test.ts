import { textDigest } from '@c2d/chain'
import type { DerivedAsset } from '@c2d/contracts'
import { loadDerivedAsset, loadProof, type JobRow } from '@c2d/operator-db'
import { verifyProof } from '@c2d/proof'
import { sleep } from '@c2d/runtime'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createEngineWorld, type EngineWorld, type RunningEngine } from './support/engine-world.ts'
import { createTestSigner, signWith, type SignerAnswer, type TestSigner } from './support/proof-signer.ts'

const KEY = `0x${'42'.repeat(32)}`
const OTHER_KEY = `0x${'43'.repeat(32)}`
const ALGORITHM = `require('fs').writeFileSync('/data/outputs/result.txt', '42')`
const PATIENCE_MS = 120_000
const isFinished = (job: JobRow): boolean => job.dateFinished !== null

let world: EngineWorld
let signer: TestSigner
beforeEach(async () => {
  world = await createEngineWorld()
  signer = createTestSigner(KEY)
})
afterEach(async () => {
  await world.close()
  await signer.stop()
})

async function waitFor<T>(what: string, look: () => Promise<T | null | false> | T | null | false): Promise<T> {
  const giveUpAt = Date.now() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() > giveUpAt) throw new Error(`waited in vain: ${what}`)
    await sleep(50)
  }
}

async function runJob(): Promise<string> {
  const jobId = await world.queueJob(ALGORITHM)
  await world.waitForJob(jobId, isFinished, PATIENCE_MS)
  return jobId
}

async function expectProof(jobId: string): Promise<void> {
  const proof = await waitFor(`a proof of ${jobId}`, () => loadProof(world.db, jobId))
  const { checks, endorsement } = verifyProof(proof)
  expect(checks.filter(({ passed }) => !passed)).toEqual([])
  expect(endorsement?.keyAddress).toBe(signer.address)
}

/** A number of `/metrics` of the tests' environment; null where it is not shown. */
async function readMetric(engine: RunningEngine, name: string): Promise<number | null> {
  const text = await (await fetch(`${engine.url()}/metrics`)).text()
  const value = new RegExp(`^${name}\\{environment="engine-tests"\\} (\\S+)$`, 'm').exec(text)?.[1]
  return value === undefined ? null : Number(value)
}

const countAsked = (jobId: string): number => signer.asked.filter(({ text }) => text.includes(jobId)).length

describe('a signer of proofs that is elsewhere', () => {
  it('behaviour: its key signs, endorsed by the environment; it sees what it signs, and by whom it is asked', async () => {
    await signer.start()
    await world.startEngine(signer.settings)
    const jobId = await runJob()
    await expectProof(jobId)
    const [asked] = signer.asked
    expect(asked).toMatchObject({ version: 1, address: signer.address, digest: textDigest(asked?.text ?? '') })
    expect(asked?.text).toMatch(/^DSSEv1 28 application\/vnd\.in-toto\+json \d+ \{/)
    expect(signer.strangers).toBe(0)
  }, 300_000)

  it('behaviour: one that takes its time holds up no job', async () => {
    await signer.start()
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    signer.answer = (asked, response) => void released.then(() => signWith(KEY)(asked, response))
    await world.startEngine({ ...signer.settings, PROOF_SIGNER_TIMEOUT_SECONDS: '300' })
    const jobIds = [await runJob(), await runJob(), await runJob()]
    await waitFor('it is asked', () => signer.asked.length > 0)
    for (const jobId of jobIds) expect(await loadProof(world.db, jobId)).toBeNull()
    release()
    for (const jobId of jobIds) await expectProof(jobId)
  }, 300_000)

  it('behaviour: while it is down jobs end as ever, and their proofs are made when it is back, by whatever engine', async () => {
    await signer.start()
    await signer.stop()
    const first = await world.startEngine(signer.settings)
    const jobIds = [await runJob(), await runJob()]
    await waitFor('the engine has tried', () => first.output().includes('a job could not be proven yet'))
    await first.kill('SIGKILL')
    const second = await world.startEngine(signer.settings)
    jobIds.push(await runJob())
    await signer.start()
    for (const jobId of jobIds) await expectProof(jobId)
    expect(first.output() + second.output()).not.toContain(signer.settings['PROOF_SIGNER_TOKEN'])

    await signer.stop() // and once more, under an engine that knew it
    jobIds.push(await runJob())
    await signer.start()
    for (const jobId of jobIds) await expectProof(jobId)
  }, 300_000)

  it('behaviour: jobs that ended without a proof are counted, and how long the first of them waits', async () => {
    await signer.start()
    await signer.stop()
    const engine = await world.startEngine(signer.settings)
    const unproven = () => readMetric(engine, 'c2d_engine_jobs_unproven')
    const oldest = () => readMetric(engine, 'c2d_engine_jobs_unproven_oldest_seconds')
    expect([await unproven(), await oldest()]).toEqual([0, 0])
    const jobIds = [await runJob(), await runJob()]
    expect(await unproven()).toBe(2)
    expect(await oldest()).toBeGreaterThan(0)
    await signer.start()
    for (const jobId of jobIds) await expectProof(jobId)
    await waitFor('none waits', async () => (await unproven()) === 0)
    expect(await oldest()).toBe(0)
  }, 300_000)

  it('attack: whatever it gives instead of a signature by its key becomes no proof, and costs no job', async () => {
    await signer.start()
    await world.startEngine({ ...signer.settings, PROOF_SIGNER_TIMEOUT_SECONDS: '2' })
    const say =
      (status: number, body: string, headers: Record<string, string> = {}): SignerAnswer =>
      (_asked, response) =>
        void response.writeHead(status, headers).end(body)
    const lies: Record<string, SignerAnswer> = {
      'another key': signWith(OTHER_KEY),
      'another text': signWith(KEY, ({ text }) => text.replace('"exitCode":0', '"exitCode":1')),
      'no signature': say(200, JSON.stringify({ signature: `0x${'00'.repeat(65)}` })),
      'another form': say(200, JSON.stringify({ sig: 'none' })),
      'no JSON': say(200, '<html>'),
      'a refusal': say(403, '{}'),
      'a redirect': say(307, '', { location: `${signer.settings['PROOF_SIGNER_URL']}?again` }),
      'no end': (_asked, response) => {
        const more = setInterval(() => response.write('x'.repeat(1_000)), 5)
        response.on('close', () => clearInterval(more))
      },
      'no answer': () => undefined,
    }
    const told = new Map<string, SignerAnswer>()
    signer.answer = (asked, response) => {
      const lie = [...told].find(([jobId]) => asked.text.includes(jobId))?.[1]
      if (lie) lie(asked, response)
      else response.writeHead(503).end() // not known yet which one it is to be
    }
    const jobs = await Promise.all(
      Object.entries(lies).map(async ([what, lie]) => {
        const jobId = await world.queueJob(ALGORITHM)
        told.set(jobId, lie)
        return { what, jobId }
      }),
    )
    for (const { what, jobId } of jobs) {
      await world.waitForJob(jobId, isFinished, PATIENCE_MS)
      await waitFor(`${what}: asked again`, () => countAsked(jobId) >= 2)
    }
    for (const { what, jobId } of jobs) expect([what, await loadProof(world.db, jobId)]).toEqual([what, null])
    signer.answer = signWith(KEY)
    for (const { jobId } of jobs) await expectProof(jobId)
  }, 600_000)

  it('behaviour: while it is down, results that are to become an asset do not expire', async () => {
    await signer.start()
    await signer.stop()
    const jobId = await world.queueJob(ALGORITHM)
    const wish: DerivedAsset = {
      outputs: true,
      log: false,
      owner: signer.address,
      whitelist: [],
      metadata: {},
      serviceEndpoint: 'http://127.0.0.1:9',
    }
    await world.db.raw(
      `UPDATE jobs SET workflow = jsonb_set(workflow::jsonb, '{spec,metadata,stages,0,output}', :output::jsonb)::text
       WHERE workflowid = :jobId`,
      { jobId, output: JSON.stringify({ derivedAsset: wish }) },
    )
    await world.startEngine({ ...signer.settings, ...world.environment({ storageExpiry: 3_600 }) })
    await world.waitForJob(jobId, isFinished, PATIENCE_MS)
    await waitFor('it is noted', () => loadDerivedAsset(world.db, jobId))
    expect(await loadProof(world.db, jobId)).toBeNull()
    const { rows } = await world.db.raw<{ rows: unknown[] }>(
      'SELECT results_expire_at FROM jobs WHERE workflowid = :jobId',
      { jobId },
    )
    expect(rows).toEqual([{ results_expire_at: null }])
    await signer.start()
    await expectProof(jobId)
  }, 300_000)

  it('behaviour: statements that it never signs keep no other job from its proof', async () => {
    await signer.start()
    let refused: string[] = []
    signer.answer = (asked, response) => {
      if (refused.some((jobId) => asked.text.includes(jobId))) response.writeHead(422).end()
      else signWith(KEY)(asked, response)
    }
    await signer.stop()
    await world.startEngine(signer.settings)
    refused = await Promise.all(Array.from({ length: 6 }, runJob))
    await signer.start()
    for (let nth = 0; nth < 3; nth += 1) await expectProof(await runJob())
    for (const jobId of refused) expect(await loadProof(world.db, jobId)).toBeNull()
  }, 300_000)
})
