import { jobStatusAnswerListSchema, type FileSalt, type JobStatusAnswer, type ProofEnvelope } from '@c2d/contracts'
import {
  claimJobs,
  finishJob,
  insertProof,
  openTransaction,
  owePublication,
  refuseAsset,
  settleAnchor,
  settleAsset,
  settleTransaction,
} from '@c2d/operator-db'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  ENVIRONMENT,
  OWNER,
  STRANGER_KEY,
  ask,
  sign,
  start,
  startOperator,
  type OperatorUnderTest,
} from './operator-under-test.ts'

const hash = (nth: number): string => `0x${String(nth).padStart(64, '0')}`
const address = (digit: string): string => `0x${digit.repeat(40)}`
const DID = `did:op:${'d'.repeat(64)}`
const KEY_ADDRESS = address('b')
const PAYLOAD = '{"a":1}'
const PAYLOAD_SHA256 = '015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862'

let operator: OperatorUnderTest
beforeAll(async () => {
  operator = await startOperator()
})
afterAll(() => operator.close())

async function finishedJob(): Promise<string> {
  const jobId = await start(operator)
  const claimed = await claimJobs(operator.db, {
    environment: ENVIRONMENT,
    maxJobs: 1_000,
    claimedBy: 'engine-1',
    leaseSeconds: 300,
  })
  const { epoch } = claimed.find((job) => job.jobId === jobId) as { epoch: number }
  await finishJob(operator.db, { jobId, epoch, by: 'engine-1' })
  return jobId
}

const envelope: ProofEnvelope = {
  payloadType: 'application/vnd.in-toto+json',
  payload: Buffer.from(PAYLOAD).toString('base64'),
  signatures: [
    {
      keyid: KEY_ADDRESS,
      sig: 'AA==',
      endorsement: {
        environment: ENVIRONMENT,
        environmentAddress: OWNER,
        keyAddress: KEY_ADDRESS,
        validFrom: 0,
        validUntil: 1,
        signature: '0x',
      },
    },
  ],
}
const prove = (jobId: string, isAnchored = false, salts: FileSalt[] = []) =>
  insertProof(operator.db, { jobId, envelope, salts, isAnchored, by: 'engine-1' })

let nonces = 0
async function send(jobId: string, purpose: string, nth: number): Promise<void> {
  await openTransaction(
    operator.db,
    {
      purpose,
      jobId,
      chainId: 8996,
      wallet: KEY_ADDRESS,
      target: OWNER,
      data: '0x',
      gasLimit: 1n,
      firstNonce: (nonces += 1),
    },
    () => Promise.resolve({ raw: '0x', hash: hash(nth) }),
  )
}
const mine = (purpose: string, nth: number) =>
  settleTransaction(operator.db, { purpose, state: 'mined', hash: hash(nth), blockNumber: 1, by: 'engine-1' })

async function status(jobId: string): Promise<JobStatusAnswer> {
  const { body } = await ask(operator, 'GET', '/compute', { query: { owner: OWNER, jobId, ...sign({ jobId }) } })
  const [job] = jobStatusAnswerListSchema.parse(body)
  return job as JobStatusAnswer
}
const about = (jobId: string, what: string, key?: string) =>
  ask(operator, 'GET', `/jobs/${jobId}/${what}`, { query: sign({ owner: '', jobId, ...(key ? { key } : {}) }) })

describe('what comes after the end of a job, in its status', () => {
  it('behaviour: nothing while there is nothing, and no member that clients know changes', async () => {
    const jobId = await finishedJob()
    const before = await status(jobId)
    expect(Object.keys(before)).toEqual(expect.not.arrayContaining(['proof', 'asset']))
    await prove(jobId)
    const { proof, timeline: _after, ...after } = await status(jobId)
    expect(proof).toEqual({ sha256: PAYLOAD_SHA256, keyAddress: KEY_ADDRESS, signedAtMs: expect.any(Number) })
    expect(Math.abs((proof?.signedAtMs ?? 0) - Date.now())).toBeLessThan(3_600_000)
    const { timeline: _before, ...same } = before
    expect(after).toEqual(same)
  })

  it('behaviour: a proof shows its anchors, as they are sent and when they stay; so does the timeline', async () => {
    const jobId = await finishedJob()
    await prove(jobId, true)
    expect((await status(jobId)).proof?.anchor).toEqual({ state: 'due', transactions: [] })
    const purpose = `anchor ${jobId} ${hash(1)} ${address('c')}`
    await send(jobId, purpose, 2)
    const sent = { orderTxId: hash(1), datatoken: address('c'), hash: hash(2) }
    expect((await status(jobId)).proof?.anchor?.transactions).toEqual([{ ...sent, state: 'sent' }])
    await mine(purpose, 2)
    await settleAnchor(operator.db, { jobId, orders: 1, note: null, by: 'engine-1' })
    const { proof, timeline } = await status(jobId)
    expect(proof?.anchor).toEqual({ state: 'settled', transactions: [{ ...sent, state: 'mined' }] })
    const proven = timeline?.find(({ what }) => what === 'proven')
    expect(proven?.detail).toEqual({ sha256: PAYLOAD_SHA256, keyAddress: KEY_ADDRESS })
  })

  it('behaviour: results that become an asset show how far it is, then what it is; or why there is none', async () => {
    const owe = (jobId: string) =>
      owePublication(operator.db, { jobId, environment: ENVIRONMENT, sizeBytes: 1, tokenSha256: 'a'.repeat(64) })
    const jobId = await finishedJob()
    await owe(jobId)
    expect((await status(jobId)).asset).toEqual({ state: 'due', transactions: {} })
    await send(jobId, `asset ${jobId} create`, 3)
    expect((await status(jobId)).asset).toEqual({ state: 'due', transactions: { create: hash(3) } })
    await send(jobId, `asset ${jobId} describe`, 4)
    await send(jobId, `asset ${jobId} transfer`, 5)
    const tokens = { did: DID, nft: address('e'), datatoken: address('f') }
    await settleAsset(operator.db, { jobId, ...tokens, by: 'engine-1', detail: tokens })
    const transactions = { create: hash(3), describe: hash(4), transfer: hash(5) }
    expect((await status(jobId)).asset).toEqual({ state: 'published', ...tokens, transactions })

    const refused = await finishedJob()
    await owe(refused)
    await refuseAsset(operator.db, { jobId: refused, note: 'create: it reverts', by: 'e', resultsKeptSeconds: 0 })
    expect((await status(refused)).asset).toEqual({ state: 'refused', note: 'create: it reverts', transactions: {} })
  })
})

describe('GET /jobs/{id}/events', () => {
  async function follow(jobId: string, until?: string): Promise<{ names: string[]; end: JobStatusAnswer }> {
    const url = new URL(`${operator.url}/api/v1/operator/jobs/${jobId}/events`)
    const query = { owner: OWNER, ...sign({ jobId }), ...(until ? { until } : {}) }
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const text = await (await fetch(url)).text()
    const data = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json ?? '') as { what?: string })
    return { names: data.flatMap(({ what }) => what ?? []), end: data.at(-1) as unknown as JobStatusAnswer }
  }

  it('behaviour: ends with the job; with until=settled when proof, anchors and asset are there, which it shows', async () => {
    const jobId = await finishedJob()
    const ended = await follow(jobId)
    expect(ended.names.at(-1)).toBe('finished')
    expect(ended.end.proof).toBeUndefined()

    const settled = follow(jobId, 'settled')
    await owePublication(operator.db, { jobId, environment: ENVIRONMENT, sizeBytes: 1, tokenSha256: 'a'.repeat(64) })
    await prove(jobId, true)
    await settleAnchor(operator.db, { jobId, orders: 0, note: 'none', by: 'engine-1' })
    const tokens = { did: DID, nft: address('e'), datatoken: address('f') }
    await settleAsset(operator.db, { jobId, ...tokens, by: 'engine-1', detail: tokens })
    const { names, end } = await settled
    expect(names.slice(names.indexOf('finished'))).toEqual(['finished', 'proven', 'anchored', 'assetPublished'])
    expect(end.proof).toMatchObject({ sha256: PAYLOAD_SHA256, anchor: { state: 'settled', note: 'none' } })
    expect(end.asset).toMatchObject({ state: 'published', ...tokens })
  })
})

describe('GET /jobs/{id}/proof and /salts', () => {
  it('behaviour: the proof without its salts, the salts by a door of their own', async () => {
    const jobId = await finishedJob()
    expect((await about(jobId, 'proof')).status).toBe(404)
    const salts = [{ did: DID, salt: '5a'.repeat(32) }]
    await prove(jobId, false, salts)
    expect(await about(jobId, 'proof')).toEqual({ status: 200, body: envelope })
    expect(await about(jobId, 'salts')).toEqual({ status: 200, body: salts })
    expect(JSON.stringify(await status(jobId))).not.toContain('5a5a')
  })

  it('behaviour: the first proof of a job stays, with its salts', async () => {
    const jobId = await finishedJob()
    expect(await prove(jobId)).toBe(true)
    expect(await prove(jobId, true, [{ did: DID, salt: '5a'.repeat(32) }])).toBe(false)
    expect((await about(jobId, 'salts')).status).toBe(404)
  })

  it('error: what is no job id is no job, whatever is asked of it', async () => {
    for (const what of ['proof', 'salts', 'published', 'events', 'logs']) {
      for (const jobId of ['\0', '\u{1f600}', 'x'.repeat(3_000)]) {
        const query = { index: '0', owner: '', ...sign({ owner: '', jobId }) }
        const { status } = await ask(operator, 'GET', `/jobs/${encodeURIComponent(jobId)}/${what}`, { query })
        expect({ what, jobId, status }).toEqual({ what, jobId, status: 404 })
      }
    }
  })

  it('attack: nobody but an allowed provider, once a signature, gets either', async () => {
    const jobId = await finishedJob()
    await prove(jobId, false, [{ did: DID, salt: '5a'.repeat(32) }])
    for (const what of ['proof', 'salts']) {
      expect((await about(jobId, what, STRANGER_KEY)).status).toBe(401)
      const query = sign({ owner: '', jobId })
      expect((await ask(operator, 'GET', `/jobs/${jobId}/${what}`, { query })).status).toBe(200)
      expect((await ask(operator, 'GET', `/jobs/${jobId}/${what}`, { query })).status).toBe(400)
      expect((await ask(operator, 'GET', `/jobs/${jobId}/${what}`)).status).toBe(400)
    }
  })
})
