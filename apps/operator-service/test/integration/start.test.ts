import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { JOBS_CHANNEL, announceEnvironment, loadJob } from '@c2d/operator-db'
import { openListener } from '@c2d/postgres'
import {
  ENVIRONMENT,
  OWNER,
  STRANGER_KEY,
  ask,
  buildAnnouncement,
  buildStage,
  buildStart,
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

const post = (json: unknown) => ask(operator, 'POST', '/compute', { json })

describe('POST /compute', () => {
  it('default: queues a row and answers with its status', async () => {
    const listener = await openListener({ url: operator.databaseUrl, applicationName: 'listener' })
    const woken = new Promise((resolve) => listener.once('notification', resolve))
    await listener.query(`LISTEN ${JOBS_CHANNEL}`)
    const request = buildStart()
    const { status, body } = await post(request)
    expect(status).toBe(200)
    const [job] = body as [Record<string, unknown>]
    expect(job).toEqual({
      agreementId: request['agreementId'],
      jobId: expect.stringMatching(/^[0-9a-f]{32}$/),
      owner: OWNER,
      status: 1,
      statusText: 'Warming up',
      dateCreated: expect.stringMatching(/^\d{10}\.\d{6}$/),
      dateFinished: null,
      results: '',
      stopreq: 0,
      removed: 0,
      algoDID: 'did:op:3333',
      inputDID: ['did:op:1111'],
      reason: null,
      exitCode: null,
      isolation: null,
      queuePosition: 1,
      timeline: [{ what: 'created', by: 'operator-service', atMs: expect.any(Number) }],
    })
    const row = await loadJob(operator.db, job['jobId'] as string)
    expect(row).toMatchObject({
      status: 1,
      environment: ENVIRONMENT,
      chainId: 8996,
      validUntil: 1_900_000_000,
      epoch: 0,
    })
    expect(row?.workflow?.metadata).toEqual({
      name: row?.jobId,
      namespace: ENVIRONMENT,
      labels: { workflow: row?.jobId },
      secret: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    expect(row?.workflow?.spec.metadata.stages[0]).toEqual(buildStage())
    const stored = await operator.db('jobs').where({ workflowid: row?.jobId }).first<{ workflow: string }>('workflow')
    expect(stored.workflow).toMatch(/^[\x20-\x7e]+$/)
    await woken
    await listener.end()
  })

  it('behaviour: a nonce that is sent as a 19-digit number is not rounded', async () => {
    const { nonce, ...rest } = buildStart()
    const text = `${JSON.stringify(rest).slice(0, -1)},"nonce":${nonce as string}}`
    expect((await ask(operator, 'POST', '/compute', { text })).status).toBe(200)
  })

  it('error: complains in the order and words of the reference', async () => {
    const complaint = async (json: unknown) => {
      const { status, body } = await post(json)
      return [status, (body as { error: string }).error]
    }
    expect(await complaint({})).toEqual([400, 'payload seems empty.'])
    expect(await complaint([1])).toEqual([400, 'payload seems empty.'])
    const keys = ['workflow', 'agreementId', 'owner', 'providerSignature', 'environment', 'nonce']
    for (const [i, key] of keys.entries()) {
      const upToHere = { other: 1, ...Object.fromEntries(keys.slice(0, i).map((name) => [name, null])) }
      expect(await complaint(upToHere)).toEqual([400, `"${key}" is required in the call to POST:/compute`])
    }
    const noWorkflow = '`workflow` is required in the payload and must include workflow stages'
    for (const workflow of [{}, null, '', 0, []]) {
      expect(await complaint(buildStart({ workflow, agreementId: null }))).toEqual([400, noWorkflow])
    }
    const agreementId = 'in-use-1'
    await start(operator, { agreementId })
    const wrongToo = { agreementId, environment: 'nowhere', providerSignature: '0x', workflow: { stages: [{}, {}] } }
    const inUse = '`agreementId` already in use for other job.'
    expect(await complaint(buildStart(wrongToo))).toEqual([400, inUse])
    expect(await complaint(buildStart({ ...wrongToo, agreementId: 'free' }))).toEqual([
      400,
      'Environment invalid or does not exist',
    ])
    const { environment: _, ...rest } = { ...wrongToo, agreementId: 'free' }
    expect(await complaint(buildStart(rest))).toEqual([400, 'Failed to recover address'])
    const { providerSignature: __, ...signed } = rest
    expect(await complaint(buildStart(signed))).toEqual([400, 'Multiple stages are not supported yet'])
    expect(await complaint(buildStart({ workflow: { stages: [] } }))).toEqual([400, 'Missing stages'])
    expect(await complaint(buildStart({ workflow: { other: 1 } }))).toEqual([400, 'Missing stages'])
    for (const key of ['algorithm', 'compute', 'input', 'output']) {
      const stage = Object.fromEntries(Object.entries(buildStage()).filter(([name]) => name !== key))
      expect(await complaint(buildStart({ workflow: { stages: [stage] } }))).toEqual([400, `Missing ${key} in stage 0`])
    }
    expect(await complaint(buildStart({ workflow: { stages: [{}] } }))).toEqual([400, 'Missing algorithm in stage 0'])
  })

  it('error: a signer that is not on the list gets 401 and leaves no trace', async () => {
    const request = buildStart({}, STRANGER_KEY)
    const { status, body } = await post(request)
    expect(status).toBe(401)
    expect((body as { error: string }).error).toMatch(
      new RegExp(
        `^Invalid signature ${request['providerSignature'] as string} of documentId ${OWNER}${request['nonce'] as string},` +
          'the signing ethereum account 0x[0-9a-fA-F]{40} is not authorized to use this service\\.$',
      ),
    )
    const changedNonce = buildStart({ nonce: nextNonce() }) // the signature is of another nonce: another signer comes out
    expect((await post(changedNonce)).status).toBe(401)
    expect(await operator.db('nonce_highest').whereNot({ address: '' }).pluck('address')).toHaveLength(1)
  })

  it('error: a nonce passes once', async () => {
    const signature = sign()
    await start(operator, signature)
    const { status, body } = await post(buildStart(signature))
    expect(status).toBe(400)
    expect((body as { error: string }).error).toMatch(
      new RegExp(`^Invalid signature expected nonce \\(\\d+\\) > current nonce \\(${signature.nonce}\\)\\.$`),
    )
  })

  it('behaviour: a byte-identical request is the same job, also after its end and in parallel', async () => {
    const request = buildStart()
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(request)))
    expect(answers.map((answer) => answer.status)).toEqual(Array(8).fill(200))
    const ids = new Set(answers.map((answer) => (answer.body as { jobId: string }[])[0]?.jobId))
    expect(ids.size).toBe(1)
    const [jobId] = ids
    await operator.db('jobs').where({ workflowid: jobId }).update({ datefinished: operator.db.fn.now() })
    expect((await post(request)).body).toMatchObject([{ jobId, dateFinished: expect.any(String) }])
  })

  it('behaviour: eight different requests for one agreement are one job', async () => {
    const agreementId = '0xabcdef'
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(buildStart({ agreementId }))))
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
    expect(answers.filter((answer) => answer.status === 400)).toHaveLength(7)
    expect(await operator.db('jobs').where({ agreementid: agreementId })).toHaveLength(1)
  })

  it('behaviour: an environment takes the chains it names, while it is seen', async () => {
    await announceEnvironment(operator.db, buildAnnouncement({ id: 'chain-one', allowedChainId: [1] }))
    expect((await post(buildStart({ environment: 'chain-one' }))).status).toBe(400)
    expect((await post(buildStart({ environment: 'chain-one', chainId: undefined }))).status).toBe(400)
    expect((await post(buildStart({ environment: 'chain-one', chainId: 1 }))).status).toBe(200)
    await operator.db.raw(`UPDATE envs SET lastping = lastping - interval '1 day' WHERE namespace = 'chain-one'`)
    expect((await post(buildStart({ environment: 'chain-one', chainId: 1 }))).body).toEqual({
      error: 'Environment invalid or does not exist',
    })
  })

  it('error: "input": null is refused and blocks nobody', async () => {
    const { status, body } = await post(buildStart({ workflow: { stages: [{ ...buildStage(), input: null }] } }))
    expect(status).toBe(400)
    expect((body as { error: string }).error).toMatch(/^Invalid workflow\.stages\.0\.input: /)
    expect((await post(buildStart())).status).toBe(200)
    expect((await ask(operator, 'GET', '/runningjobs')).status).toBe(200)
  })

  it.each([
    ['1700000000000000000000000000000000000001', true],
    ['1700000000.25', true],
    ['17000000000000000000000000000000000000000000', false],
    ['1e400', false],
    ['1e21', false],
    ['-1', false],
    ['0x10', false],
    ['1.', false],
    ['.5', false],
    ['', false],
    ['NaN', false],
    ['９', false],
  ])('behaviour: nonce %s is taken: %s, as text and as the number it is', async (nonce, isTaken) => {
    const owner = `0x${'ee'.repeat(20)}`
    // Each has the service to itself: what is huge would make all others stale.
    const own = await startOperator()
    try {
      const { nonce: _, ...rest } = buildStart({ owner, ...sign({ owner, nonce }) })
      const asText = await ask(own, 'POST', '/compute', { json: { ...rest, nonce } })
      expect(asText.status).toBe(isTaken ? 200 : 400)
      const isNumber = /^-?\d+(\.\d+)?(e\d+)?$/.test(nonce)
      const text = `${JSON.stringify({ ...rest, agreementId: 'other' }).slice(0, -1)},"nonce":${isNumber ? nonce : 'null'}}`
      const asNumber = await ask(own, 'POST', '/compute', { text })
      expect(asNumber.status).toBe(400)
      expect((asNumber.body as { error: string }).error).toMatch(
        isTaken ? /^Invalid signature expected/ : /^Invalid nonce/,
      )
    } finally {
      await own.close()
    }
  })

  it.each([[null], [true], [[1]], [{ a: 1 }]])('error: nonce %j is no number', async (nonce) => {
    expect(await post(buildStart({ nonce }))).toEqual({
      status: 400,
      body: { error: expect.stringMatching(/^Invalid nonce: /) },
    })
  })

  it('error: wrong types, NUL, a broken body and a large one are refused in JSON', async () => {
    for (const wrong of [{ agreementId: null }, { owner: 5 }, { nonce: 'x' }, { chainId: '8996' }, { owner: 'a\0' }]) {
      const { status, body } = await post(buildStart(wrong))
      expect(status).toBe(400)
      expect((body as { error: string }).error).toMatch(/^Invalid /)
    }
    expect((await ask(operator, 'POST', '/compute', { text: '{"a":' })).status).toBe(400)
    expect((await post(buildStart({ filler: 'x'.repeat(100_000) }))).status).toBe(413)
  })
})
