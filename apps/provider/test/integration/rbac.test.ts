import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { recoverSigner, signMessage } from '@c2d/chain'
import { DEV_ACCOUNTS } from '@c2d/dev-servers'
import type { Quote } from '@c2d/contracts'
import { createRbac, rbacMessage } from '../../src/clients/rbac.ts'
import {
  buildStart,
  feeOf,
  nextNonce,
  orderRun,
  query,
  send,
  start,
  type Answer,
  type OrderedRun,
} from './support/api.ts'
import { buildJob } from './support/fake-operator.ts'
import { sendJson, startHttpStub, type HttpStub } from './support/http-stub.ts'
import { CONTAINER, type PublishedAsset } from './support/publish-asset.ts'
import { PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

const COMPUTE = '/api/services/compute'
const JOB_ID = '0123456789abcdef0123456789abcdef'
const DENIED = { error: 'The policy server of this provider does not allow this to the address (RBAC).' }

type Behaviour = { status: number; body: unknown } | 'silent' | 'not JSON'

describe('a policy server of the operator', () => {
  let stack: Stack
  let server: HttpStub
  let behaviour: Behaviour
  let access: PublishedAsset
  let accessTx: string
  let run: OrderedRun
  let raw: PublishedAsset

  beforeAll(async () => {
    server = await startHttpStub((_request, response) => {
      if (behaviour === 'not JSON') response.end('<html>yes</html>')
      else if (behaviour !== 'silent') sendJson(response, behaviour.status, behaviour.body)
    })
    behaviour = { status: 200, body: true }
    const options = { url: `${server.url}/rbac`, universalKey: PROVIDER_KEY, isPrivate: true, timeoutMs: 1_000 }
    stack = await startStack({}, { rbac: createRbac(options) })
    access = await stack.publish({ serviceType: 'access', files: [stack.origin.offer('/a.txt', 'hello')] })
    const fee = feeOf((await initialize()).json as Quote)
    accessTx = await stack.consumer.startOrder(access.datatoken, { consumer: stack.consumer.address, fee })
    const files = [stack.origin.offer('/x.js', 'x')]
    const algorithm = await stack.publish({ type: 'algorithm', serviceType: 'access', files })
    const dataset = await stack.publish({ files, compute: { publisherTrustedAlgorithms: ['*'] } })
    raw = await stack.publish({ files, compute: { allowRawAlgorithm: true } })
    run = await orderRun(stack, { dataset, algorithm })
  })
  afterAll(async () => {
    await stack.close()
    await server.close()
  })
  beforeEach(() => {
    behaviour = { status: 200, body: true }
    server.seen.length = 0
    stack.operator.seen.length = 0
    stack.operator.jobs = [buildJob({ owner: stack.consumer.address })]
  })

  function initialize(): Promise<Answer> {
    const { did: documentId, serviceId } = access
    const consumerAddress = stack.consumer.address
    return query(stack, 'GET', '/api/services/initialize', { documentId, serviceId, consumerAddress })
  }

  function download(): Promise<Answer> {
    const nonce = nextNonce()
    return query(stack, 'GET', '/api/services/download', {
      fileIndex: '0',
      documentId: access.did,
      transferTxId: accessTx,
      serviceId: access.serviceId,
      consumerAddress: stack.consumer.address,
      nonce,
      signature: signMessage(access.did + nonce, stack.consumer.key),
    })
  }

  const startRun = (changes: Record<string, unknown> = {}): Promise<Answer> =>
    send(stack, 'POST', COMPUTE, buildStart(run, stack.consumer, changes))

  function onJob(method: 'PUT' | 'DELETE', documentId = ''): Promise<Answer> {
    const { address, key } = stack.consumer
    const nonce = nextNonce()
    const signature = signMessage(address + JOB_ID + documentId + nonce, key)
    return send(stack, method, COMPUTE, { consumerAddress: address, jobId: JOB_ID, documentId, nonce, signature })
  }

  const asked = (): Record<string, unknown>[] =>
    server.seen.map((request) => JSON.parse(request.body) as Record<string, unknown>)

  it('is asked about quotes and downloads, in the provider’s name', async () => {
    expect((await initialize()).status).toBe(200)
    expect((await download()).text).toBe('hello')
    const subject = { did: access.did, serviceId: access.serviceId }
    const expected = (eventType: string): object => ({
      eventType,
      component: 'provider',
      providerAddress: DEV_ACCOUNTS.provider.address,
      providerAccess: 'private',
      credentials: { type: 'address', value: stack.consumer.address },
      signature: expect.any(String),
      dids: [subject],
    })
    expect(asked()).toEqual([expected('initialize'), expected('access')])
    const message = rbacMessage({ eventType: 'access', consumerAddress: stack.consumer.address, subject })
    expect(recoverSigner(message, String(asked()[1]?.['signature']))).toBe(DEV_ACCOUNTS.provider.address)
  })

  it('is asked about starts, with every asset', async () => {
    const { documentId: did, serviceId } = run.dataset
    const additionalDatasets = [{ ...run.dataset }]
    expect((await startRun({ additionalDatasets })).status).toBe(200)
    expect(asked()).toMatchObject([
      {
        eventType: 'compute',
        dids: [{ did, serviceId }],
        algos: [{ did: run.algorithm.documentId, serviceId: run.algorithm.serviceId }],
        additionalDids: [{ did, serviceId }],
      },
    ])
  })

  it('behaviour: raw code has no name to ask about, and is no error', async () => {
    const { datasets } = (
      await send(stack, 'POST', '/api/services/initializeCompute', {
        datasets: [{ documentId: raw.did, serviceId: raw.serviceId }],
        algorithm: { meta: { rawcode: '1', container: CONTAINER } },
        compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 600 },
        consumerAddress: stack.consumer.address,
      })
    ).json as { datasets: Quote[] }
    const order = { consumer: stack.environmentAddress, fee: feeOf(datasets[0]) }
    const transferTxId = await stack.consumer.startOrder(raw.datatoken, order)
    const dataset = { documentId: raw.did, serviceId: raw.serviceId, transferTxId }
    const algorithm = { meta: { rawcode: 'console.log(1)', container: CONTAINER } }
    const answer = await start(stack, { environment: 'free', dataset, algorithm })
    expect(answer.status).toBe(200)
    expect(asked().at(-1)).toMatchObject({ dids: [{ did: raw.did }], algos: [] })
  })

  it('behaviour: stop and delete are asked about too, with the job', async () => {
    expect((await onJob('PUT')).status).toBe(200)
    expect((await onJob('DELETE', access.did)).status).toBe(200)
    expect(asked()).toMatchObject([
      { eventType: 'compute', dids: [], algos: [], jobId: JOB_ID },
      { eventType: 'compute', dids: [{ did: access.did, serviceId: null }], algos: [], jobId: JOB_ID },
    ])
    expect(stack.operator.asked()).toEqual(['PUT compute', 'DELETE compute'])
  })

  it.each<[string, Behaviour]>([
    ['false', { status: 200, body: false }],
    ['null', { status: 200, body: null }],
    ['an empty object', { status: 200, body: {} }],
    ['403', { status: 403, body: { error: 'no' } }],
  ])('error: %s denies everything, and says so', async (_name, answer) => {
    behaviour = answer
    const all = [await initialize(), await download(), await startRun(), await onJob('PUT'), await onJob('DELETE')]
    for (const { status, json } of all) expect([status, json]).toEqual([403, DENIED])
    expect(stack.operator.asked()).toEqual([])
  })

  it.each<[string, Behaviour]>([
    ['says nothing', 'silent'],
    ['says something else than JSON', 'not JSON'],
    ['fails', { status: 500, body: true }],
  ])('error: where it %s, nothing is given', async (_name, answer) => {
    behaviour = answer
    const { status, json } = await download()
    expect([status, json]).toEqual([
      503,
      { context: null, error: 'The policy server of this provider does not answer.' },
    ])
    expect((await onJob('PUT')).status).toBe(503)
    expect(stack.operator.asked()).toEqual([])
  })

  it('behaviour: is not asked for people who did not sign', async () => {
    const answer = await startRun({ signature: signMessage('something', stack.stranger.key) })
    expect([answer.status, server.seen.length]).toEqual([400, 0])
  })
})
