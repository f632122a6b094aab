import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { JobStatusAnswer } from '@c2d/contracts'
import { announceEnvironment, claimJobs, finishJob, loadJob, recordOutcome } from '@c2d/operator-db'
import {
  ENVIRONMENT,
  OWNER,
  STRANGER_KEY,
  ask,
  buildAnnouncement,
  nextNonce,
  sign,
  start,
  startOperator,
  type OperatorUnderTest,
} from './operator-under-test.ts'

let operator: OperatorUnderTest

beforeAll(async () => {
  operator = await startOperator()
})
afterAll(() => operator.close())

const idsOf = (body: unknown) => (body as { jobId: string }[]).map((job) => job.jobId)

describe('GET /compute', () => {
  it('default: finds jobs by owner, job or agreement, by query or JSON body', async () => {
    const owner = '0xAbC0000000000000000000000000000000000009'
    const older = await start(operator, { owner, ...sign({ owner }), agreementId: '0xdeed01' })
    const newer = await start(operator, { owner, ...sign({ owner }) })
    const byOwner = await ask(operator, 'GET', '/compute', { query: { owner, ...sign({ owner }) } })
    expect(idsOf(byOwner.body)).toEqual([newer, older])
    const byJob = await ask(operator, 'GET', '/compute', {
      query: { owner, jobId: older, documentId: 'ignored', chainId: '1', ...sign({ owner, jobId: older }) },
    })
    expect(idsOf(byJob.body)).toEqual([older])
    const byAgreement = await ask(operator, 'GET', '/compute', {
      query: { agreementId: 'deed01', ...sign({ owner: '' }) },
    })
    expect(idsOf(byAgreement.body)).toEqual([older])
    const none = await ask(operator, 'GET', '/compute', {
      query: { owner, jobId: 'no', ...sign({ owner, jobId: 'no' }) },
    })
    expect(none).toEqual({ status: 200, body: [] })
  })

  it('behaviour: tells where a queued job stands, fair between owners, and nothing once it is at work', async () => {
    const environment = 'env-queue'
    await announceEnvironment(operator.db, buildAnnouncement({ id: environment }))
    const [greedy, modest] = [`0x${'a1'.repeat(20)}`, `0x${'b2'.repeat(20)}`]
    const queued: string[] = []
    for (const owner of [greedy, greedy, greedy, modest]) {
      queued.push(await start(operator, { owner, environment, ...sign({ owner }) }))
    }
    const positions = async (owner: string) =>
      (
        (await ask(operator, 'GET', '/compute', { query: { owner, ...sign({ owner }) } })).body as JobStatusAnswer[]
      ).map((job) => [queued.indexOf(job.jobId), job['queuePosition']])
    expect(await positions(modest)).toEqual([[3, 2]])
    expect(await positions(greedy)).toEqual([
      [2, 4],
      [1, 3],
      [0, 1],
    ])
    await claimJobs(operator.db, { environment, maxJobs: 2, claimedBy: 'engine-1', leaseSeconds: 30 })
    expect(await positions(modest)).toEqual([[3, null]])
    expect(await positions(greedy)).toEqual([
      [2, 2],
      [1, 1],
      [0, null],
    ])
    await operator.db('envs').where({ namespace: environment }).delete()
  })

  it('behaviour: tells how a job ended, without any address', async () => {
    const jobId = await start(operator)
    const claim = { environment: ENVIRONMENT, maxJobs: 100, claimedBy: 'engine-1', leaseSeconds: 30 }
    const epoch = (await claimJobs(operator.db, claim)).find((job) => job.jobId === jobId)!.epoch
    const isolation = { sealed: true, egress: 'none' as const, probes: [], rounds: 3, durationMs: 640 }
    await recordOutcome(operator.db, { jobId, epoch, reason: 'AlgorithmFailed', exitCode: 3, isolation })
    const outputs = [{ filename: 'a.csv', filesize: 5, url: `filesystem:${jobId}/a.csv`, type: 'output' }]
    await operator
      .db('jobs')
      .where({ workflowid: jobId })
      .update({ outputsurl: JSON.stringify(outputs) })
    await finishJob(operator.db, { jobId, epoch, by: 'engine-1' })
    const { body } = await ask(operator, 'GET', '/compute', { query: { owner: OWNER, jobId, ...sign({ jobId }) } })
    expect(body).toMatchObject([
      {
        jobId,
        reason: 'AlgorithmFailed',
        exitCode: 3,
        isolation,
        dateFinished: expect.stringMatching(/^\d{10}\.\d{6}$/),
        results: [{ filename: 'a.csv', filesize: 5, type: 'output', index: 0 }],
      },
    ])
    expect((body as { timeline: { what: string }[] }[])[0]?.timeline.map((event) => event.what)).toEqual([
      'created',
      'claimed',
      'outcome',
      'finished',
    ])
    expect(JSON.stringify(body)).not.toContain('filesystem:')
  })

  it('error: no selector, no signature, no nonce, a replay, a stranger', async () => {
    const get = (query: Record<string, string | undefined>) => ask(operator, 'GET', '/compute', { query })
    const noSelector = { error: 'You have to specify one of agreementId, jobId or owner' }
    expect(await get({ owner: 'x', ...sign() })).toEqual({ status: 400, body: noSelector })
    expect(await ask(operator, 'GET', '/compute')).toEqual({ status: 400, body: noSelector })
    expect(await get({ owner: OWNER, nonce: nextNonce() })).toEqual({
      status: 400,
      body: { error: 'Failed to recover address' },
    })
    const { providerSignature } = sign()
    expect(await get({ owner: OWNER, providerSignature })).toEqual({
      status: 400,
      body: { error: '"nonce" is required in the call to GET:/compute' },
    })
    const signed = { owner: OWNER, ...sign() }
    expect((await get(signed)).status).toBe(200)
    const replay = await get(signed)
    expect(replay.status).toBe(400)
    expect((replay.body as { error: string }).error).toMatch(
      /^Error getting the status: Invalid signature expected nonce \(\d+\) > current nonce \(\d+\)\.$/,
    )
    expect((await get({ owner: OWNER, ...sign({ key: STRANGER_KEY }) })).status).toBe(401)
    const jobId = 'a'.repeat(32) // a signature about the owner is none about a job
    expect((await get({ owner: OWNER, jobId, ...sign() })).status).toBe(401)
  })
})

describe('PUT and DELETE /compute', () => {
  it('default: stopping marks the unfinished job and answers with it', async () => {
    const jobId = await start(operator)
    const { status, body } = await ask(operator, 'PUT', '/compute', {
      query: { owner: OWNER, jobId, ...sign({ jobId }) },
    })
    expect(status).toBe(200)
    expect(body).toMatchObject([{ jobId, stopreq: 1 }])
    expect((await loadJob(operator.db, jobId))?.stopRequest).toBe(1)
  })

  it('error: asks for its keys in order', async () => {
    const put = async (json: unknown) =>
      ((await ask(operator, 'PUT', '/compute', { json })).body as { error: string }).error
    expect(await put({})).toBe('payload seems empty.')
    expect(await put({ jobId: 'x' })).toBe('"owner" is required in the call to PUT:/compute')
    expect(await put({ owner: '' })).toBe('"providerSignature" is required in the call to PUT:/compute')
    expect(await put({ owner: '', providerSignature: '' })).toBe('"nonce" is required in the call to PUT:/compute')
    expect(await put({ owner: '', providerSignature: '', nonce: 1 })).toBe(
      'You have to specify one of agreementId, jobId or owner',
    )
    const signed = { owner: OWNER, ...sign() }
    await put(signed)
    expect(await put(signed)).toMatch(/^Exception when stopping compute job: Invalid signature expected nonce/)
  })

  it('behaviour: delete does nothing and says so with an empty text', async () => {
    expect(await ask(operator, 'DELETE', '/compute', { query: { jobId: 'x' } })).toEqual({ status: 200, body: '' })
  })
})

describe('what anybody may ask', () => {
  it('behaviour: running jobs show whose they are only to a signed caller', async () => {
    const jobId = await start(operator)
    const open = (await ask(operator, 'GET', '/runningjobs')).body as Record<string, unknown>[]
    expect(open.find((job) => job['jobId'] === jobId)).toEqual({
      agreementId: '',
      jobId,
      owner: '',
      status: 1,
      statusText: 'Warming up',
      dateCreated: expect.any(String),
      namespace: ENVIRONMENT,
      algoDID: '',
      inputDID: [],
    })
    const signed = (await ask(operator, 'GET', '/runningjobs', { query: sign({ owner: '' }) })).body
    expect((signed as Record<string, unknown>[]).find((job) => job['jobId'] === jobId)).toMatchObject({
      owner: OWNER,
      algoDID: 'did:op:3333',
    })
    const stranger = sign({ owner: '', key: STRANGER_KEY })
    expect((await ask(operator, 'GET', '/runningjobs', { query: stranger })).status).toBe(401)
  })

  it('behaviour: environments by chainId, chain_id or nothing', async () => {
    await announceEnvironment(operator.db, buildAnnouncement({ id: 'only-one', allowedChainId: [1] }))
    const ids = async (query: Record<string, string>) =>
      ((await ask(operator, 'GET', '/environments', { query })).body as { id: string }[]).map(({ id }) => id)
    expect(await ids({})).toEqual([ENVIRONMENT, 'only-one'])
    expect(await ids({ chainId: '8996' })).toEqual([ENVIRONMENT])
    expect(await ids({ chain_id: '1' })).toEqual([ENVIRONMENT, 'only-one'])
    const { body } = await ask(operator, 'GET', '/environments')
    expect(body).toMatchObject([{ ...buildAnnouncement(), lastSeen: expect.any(String) }, {}])
    expect((await ask(operator, 'GET', '/environments', { query: { chainId: 'x' } })).status).toBe(400)
  })

  it('behaviour: the root says who speaks, health says whether it can work', async () => {
    const read = async (path: string) => {
      const response = await fetch(operator.url + path)
      return [response.status, await response.json()]
    }
    expect(await read('/')).toEqual([
      200,
      {
        software: 'Operator service',
        version: expect.any(String),
        address: '0xOperator',
        algoTimeLimit: '3600',
        storageExpiry: null,
      },
    ])
    expect(await read('/healthz')).toMatchObject([200, {}])
    expect(await read('/readyz')).toMatchObject([200, { checks: { database: 'ok' } }])
    expect(await read('/nowhere')).toMatchObject([404, { error: expect.stringMatching(/^404 Not Found/) }])
    expect((await ask(operator, 'PATCH', '/compute')).status).toBe(405)
  })

  it('behaviour: pgsqlinit needs the secret, and may be repeated', async () => {
    const init = async (headers: Record<string, string>) => {
      const response = await fetch(`${operator.url}/api/v1/operator/pgsqlinit`, { method: 'POST', headers })
      return [response.status, await response.text()]
    }
    expect(await init({})).toEqual([400, 'Admin header is empty.\nstatus code: 400'])
    expect(await init({ Admin: 'ADMIN-SECRET' })).toEqual([
      401,
      'Access admin route failed due to invalid admin address.\nstatus code: 401',
    ])
    expect(await init({ Admin: 'admin-secret' })).toEqual([200, ''])
  })
})

describe('SIGNATURE_REQUIRED=false', () => {
  it('behaviour: any signer passes, a nonce still counts once', async () => {
    const open = await startOperator({ isSignatureRequired: false, allowedProviders: [] })
    try {
      const query = { owner: OWNER, ...sign({ key: STRANGER_KEY }) }
      expect((await ask(open, 'GET', '/compute', { query })).status).toBe(200)
      expect((await ask(open, 'GET', '/compute', { query })).status).toBe(400)
    } finally {
      await open.close()
    }
  })
})
