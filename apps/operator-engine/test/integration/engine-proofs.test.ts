import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { listEvents, loadProof, loadProofSalts, type JobRow } from '@c2d/operator-db'
import type { FileSalt, ProofEnvelope } from '@c2d/contracts'
import { saltHash, verifyProof } from '@c2d/proof'
import { sleep } from '@c2d/runtime'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createEngineWorld, type EngineWorld } from './support/engine-world.ts'

const isFinished = (job: JobRow): boolean => job.dateFinished !== null
const ALGORITHM = `require('fs').writeFileSync('/data/outputs/result.txt', '42')`
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Another's validator, from the file that the package publishes. */
async function loadValidator(): Promise<ValidateFunction> {
  const path = createRequire(import.meta.url).resolve('@c2d/contracts/proof.schema.json')
  return new Ajv2020({ strict: true, allErrors: true }).compile(JSON.parse(await readFile(path, 'utf8')) as object)
}
const payloadOf = ({ payload }: ProofEnvelope): Record<string, unknown> =>
  JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as Record<string, unknown>

let world: EngineWorld
beforeEach(async () => {
  world = await createEngineWorld()
})
afterEach(() => world.close())

async function waitForProof(jobId: string): Promise<ProofEnvelope> {
  const giveUpAt = Date.now() + 60_000
  for (;;) {
    const proof = await loadProof(world.db, jobId)
    if (proof) return proof
    if (Date.now() > giveUpAt) throw new Error(`job ${jobId} has no proof`)
    await sleep(50)
  }
}

describe('proofs', () => {
  it('behaviour: a finished job has a proof that holds, and says what ran on what', async () => {
    await world.startEngine()
    const jobId = await world.queueJob(ALGORITHM)
    const job = await world.waitForJob(jobId, isFinished)
    const { checks, statement } = verifyProof(await waitForProof(jobId))
    expect(checks.filter(({ passed }) => !passed)).toEqual([])
    expect(statement?.subject).toContainEqual({
      name: expect.stringMatching(/\/result\.txt$/),
      digest: { sha256: sha256('42') },
    })
    expect(statement?.predicate).toMatchObject({
      job: { id: jobId, consumer: job.owner },
      datasets: [{ did: `did:op:${'a'.repeat(64)}`, files: [{ index: 0, sha256: sha256('a,b\n1,2\n') }] }],
      algorithm: { did: null, files: [{ index: 0, sha256: sha256(ALGORITHM) }] },
      execution: { executor: 'process', exitCode: 0, reason: null },
    })
    expect(statement?.predicate.execution.steps.map(({ name }) => name)).toEqual(['configure', 'algorithm', 'publish'])
    expect((await listEvents(world.db, jobId)).map(({ what }) => what)).toContain('proven')
  })

  it('behaviour: a job that failed has one too', async () => {
    await world.startEngine()
    const jobId = await world.queueJob(ALGORITHM, { inputPath: '/gone.csv' })
    await world.waitForJob(jobId, isFinished)
    const { statement } = verifyProof(await waitForProof(jobId))
    expect(statement?.predicate.execution).toMatchObject({ reason: 'InputFetchFailed', exitCode: null })
  })

  it('behaviour: what was signed of jobs, well or failed, is what the published JSON Schema says', async () => {
    await world.startEngine()
    const validate = await loadValidator()
    const jobIds = [
      await world.queueJob(ALGORITHM),
      await world.queueJob('process.exit(3)'),
      await world.queueJob(ALGORITHM, { inputPath: '/gone.csv' }),
    ]
    for (const jobId of jobIds) {
      const statement = payloadOf(await waitForProof(jobId))
      expect([validate(statement), validate.errors]).toEqual([true, null])
      expect(validate({ ...statement, note: 'added' })).toBe(false)
      expect(validate({ ...statement, subject: [] })).toBe(false)
    }
  })

  it('behaviour: where an owner wants hashes salted, nothing that the consumer gets tells the hash of a file', async () => {
    await world.startEngine()
    const jobId = await world.queueJob(ALGORITHM, { saltFileHashes: true })
    const job = await world.waitForJob(jobId, isFinished)
    const proof = await waitForProof(jobId)
    const [file] = verifyProof(proof).statement?.predicate.datasets[0]?.files ?? []
    const [{ salt }] = (await loadProofSalts(world.db, jobId)) as [FileSalt]
    const bare = sha256('a,b\n1,2\n')
    expect(file).toEqual({ index: 0, sha256: saltHash(salt, bare), salted: true })
    const shown = [payloadOf(proof), await listEvents(world.db, jobId), job.outputs]
    expect(JSON.stringify(shown)).not.toMatch(new RegExp(`${bare}|${salt}`))
    expect(await world.resultText(job, 'configure.log')).toContain('Downloaded file 0')
    for (const { filename } of job.outputs ?? []) expect(await world.resultText(job, filename)).not.toContain(bare)
    expect((await loadValidator())(payloadOf(proof))).toBe(true)
  })

  it('attack: an algorithm that writes a file named like the proof has written an output, and nothing else', async () => {
    await world.startEngine()
    const earlier = await waitForProof(await world.queueJob(ALGORITHM))
    const forged = JSON.stringify(earlier)
    const jobId = await world.queueJob(`
      const { mkdirSync, writeFileSync } = require('fs')
      for (const name of ['proof.json', 'proof-' + process.env.JOBID + '.json', 'logs/proof.json']) {
        mkdirSync('/data/outputs/logs', { recursive: true })
        writeFileSync('/data/outputs/' + name, ${JSON.stringify(forged)})
      }`)
    await world.waitForJob(jobId, isFinished)
    const { statement } = verifyProof(await waitForProof(jobId))
    expect(statement?.predicate.job.id).toBe(jobId)
    const forgeries = statement?.subject.filter(({ digest }) => digest.sha256 === sha256(forged)) ?? []
    expect(forgeries.length).toBeGreaterThanOrEqual(2)
    for (const { name } of forgeries) expect(name).toMatch(/^outputs\//)
  })

  it('behaviour: two engines at it, and one that was killed: one proof a job, of the same facts', async () => {
    const [first] = await Promise.all([world.startEngine(), world.startEngine()])
    const jobIds = await Promise.all(Array.from({ length: 6 }, () => world.queueJob(ALGORITHM)))
    await world.waitForJob(jobIds[0] as string, isFinished)
    await first.kill('SIGKILL')
    for (const jobId of jobIds) {
      await world.waitForJob(jobId, isFinished)
      expect(verifyProof(await waitForProof(jobId)).statement?.predicate.job.id).toBe(jobId)
      const proven = (await listEvents(world.db, jobId)).filter(({ what }) => what === 'proven')
      expect(proven).toHaveLength(1)
    }
  })

  it('attack: rows that nobody can read, however many, keep no other job from its proof', async () => {
    await world.db.raw(
      `INSERT INTO jobs (workflowid, agreementid, namespace, status, workflow, datefinished)
       SELECT md5(n::text), n::text, 'engine-tests', 70, '{}', clock_timestamp() FROM generate_series(1, 1000) AS n`,
    )
    const engine = await world.startEngine()
    const jobId = await world.queueJob(ALGORITHM)
    await world.waitForJob(jobId, isFinished)
    await waitForProof(jobId)
    expect(engine.output()).toContain('what ran cannot be read from the row of the job')
  })
})
