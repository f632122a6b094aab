import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { buildStart, send, start, type Answer, type OrderedRun } from './support/api.ts'
import { buildJob } from './support/fake-operator.ts'
import { CONTAINER, type PublishedAsset } from './support/publish-asset.ts'
import { publishOrderedPair } from './support/ordered-pair.ts'
import { startStack, type Stack } from './support/stack.ts'

interface Explained {
  allowed: boolean
  rules: { rule: string; resource: string; outcome: string; sentence: string; change: string | null }[]
  price: Record<string, unknown> | null
  queue: { waiting: number }
}

describe('explaining a compute job before it is started', () => {
  let stack: Stack
  let dataset: PublishedAsset
  let run: OrderedRun

  beforeAll(async () => {
    stack = await startStack()
    ;({ dataset, run } = await publishOrderedPair(stack))
    stack.operator.jobs = [1, 1, 40].map((status) => buildJob({ status, namespace: 'paid' }))
  })
  afterAll(() => stack.close())

  const ask = (body: unknown): Promise<Answer> => send(stack, 'POST', '/api/services/compute/explain', body)

  async function explain(body: unknown): Promise<Explained> {
    const answer = await ask(body)
    expect([answer.status, answer.text.slice(0, 1)]).toEqual([200, '{'])
    return answer.json as Explained
  }

  const unsigned = (changes: Record<string, unknown> = {}): Record<string, unknown> => {
    const { signature: _signature, nonce: _nonce, ...body } = buildStart(run, stack.consumer, changes)
    return body
  }
  const outcomes = ({ rules }: Explained, outcome: string): string[] =>
    rules.filter((one) => one.outcome === outcome).map(({ rule, resource }) => `${resource} ${rule}`)

  it('says yes, rule by rule, to what would start; and starts nothing, spends nothing', async () => {
    const before = stack.operator.starts().length
    const body = buildStart(run, stack.consumer)
    const told = await explain(body)
    expect(told.allowed).toBe(true)
    expect(outcomes(told, 'deny')).toEqual([])
    expect(outcomes(told, 'skipped')).toEqual([])
    expect(told.rules[0]).toEqual({
      rule: 'additional-datasets-form',
      resource: 'additional_input',
      outcome: 'allow',
      sentence: 'The additional datasets can be read.',
      change: null,
    })
    expect(stack.operator.starts()).toHaveLength(before)
    // The very same signed body is still good for the start.
    expect((await send(stack, 'POST', '/api/services/compute', body)).status).toBe(200)
  })

  it('tells the price of a run and how many wait before it', async () => {
    const told = await explain(unsigned({ environment: 'paid', seconds: 120 }))
    expect(told.price).toEqual({
      chainId: 8996,
      token: stack.chain.addresses.Ocean,
      amountWei: (2n * 10n ** 17n).toString(),
      seconds: 120,
      perMinute: 0.1,
    })
    expect(told.queue).toEqual({ waiting: 2 })
  })

  it('behaviour: callers who did not sign are told nothing about orders', async () => {
    const told = await explain(unsigned())
    expect(outcomes(told, 'skipped')).toEqual([
      'dataset.serviceId dataset-order',
      'algorithm algorithm-order',
      'order fees-paid',
    ])
    const bogus = { ...run.dataset, transferTxId: `0x${'12'.repeat(32)}` }
    expect(outcomes(await explain(unsigned({ dataset: bogus })), 'skipped')).toEqual(outcomes(told, 'skipped'))
  })

  it('behaviour: orders may come later', async () => {
    const { transferTxId: _first, ...first } = run.dataset
    const { transferTxId: _second, ...second } = run.algorithm
    const told = await explain(buildStart(run, stack.consumer, { dataset: first, algorithm: second }))
    expect(told.allowed).toBe(true)
    expect(outcomes(told, 'skipped')).toContain('dataset.serviceId dataset-order')
  })

  it('behaviour: of somebody else’s order the caller learns only that it is not theirs', async () => {
    const told = await explain(buildStart(run, stack.stranger, { environment: 'paid' }))
    const order = told.rules.find(({ rule }) => rule === 'dataset-order')
    expect(order).toMatchObject({ outcome: 'deny', sentence: expect.stringContaining('by or for this consumer') })
  })

  it('behaviour: what is wrong with the caller’s own order is said, and what to do', async () => {
    const told = await explain(buildStart(run, stack.consumer, { environment: 'paid' }))
    const order = told.rules.find(({ rule }) => rule === 'dataset-order')
    expect(order).toEqual({
      rule: 'dataset-order',
      resource: 'dataset.serviceId',
      outcome: 'deny',
      sentence: 'The fee was quoted for another environment.',
      change: 'Name the environment that was ordered, or order for this one.',
    })
    expect(told.allowed).toBe(false)
  })

  it('behaviour: everything that is wrong is told at once, and the start answers the first of the cheapest', async () => {
    const untrusted = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/untrusted.js', 'steal()')],
      container: { ...CONTAINER, checksum: 'md5:1' },
    })
    const changes = {
      algorithm: {
        documentId: untrusted.did,
        serviceId: untrusted.serviceId,
        transferTxId: run.algorithm.transferTxId,
      },
      environment: 'nowhere',
      output: '{',
    }
    const told = await explain(buildStart(run, stack.consumer, changes))
    expect(outcomes(told, 'deny')).toEqual([
      'dataset algorithm-trusted',
      'dataset.serviceId dataset-order',
      'algorithm algorithm-order',
      'algorithm.container algorithm-container',
      'environment environment-known',
      'output output-form',
    ])
    expect(told.price).toBeNull()
    expect((await start(stack, run, { changes })).json).toEqual({ error: { output: 'invalid' } })
    const { output: _output, ...readable } = changes
    expect((await start(stack, run, { changes: readable })).json).toEqual({ error: { dataset: 'not_trusted_algo' } })
  })

  it('behaviour: a request that is refused by its orders costs the algorithm’s origin nothing', async () => {
    const before = stack.origin.seen.length
    const unpaid = { ...run, dataset: { ...run.dataset, transferTxId: `0x${'34'.repeat(32)}` } }
    expect((await start(stack, unpaid)).json).toEqual({ error: { 'dataset.serviceId': 'order_invalid' } })
    expect(stack.origin.seen).toHaveLength(before)
  })

  it('behaviour: a dataset nobody published leaves the rest of its rules unjudged, and says why', async () => {
    const told = await explain(unsigned({ dataset: { documentId: `did:op:${'0'.repeat(64)}`, serviceId: 'x' } }))
    expect(told.rules.find(({ rule }) => rule === 'dataset-consumable')).toEqual({
      rule: 'dataset-consumable',
      resource: 'dataset',
      outcome: 'skipped',
      sentence: 'Not judged while dataset-published does not hold.',
      change: null,
    })
  })

  it('error: a signature that is not the consumer’s', async () => {
    const answer = await ask(buildStart(run, stack.consumer, {}, stack.stranger))
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('Invalid signature')])
  })

  it('error: a signature that was used before opens nothing', async () => {
    const body = buildStart(run, stack.consumer)
    expect((await send(stack, 'POST', '/api/services/compute', body)).status).toBe(200)
    const answer = await ask(body)
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('expected nonce')])
  })

  it('error: fields that are missing are named', async () => {
    const answer = await ask({ dataset: { documentId: dataset.did } })
    expect(answer.json).toMatchObject({ errors: { 'dataset.serviceId': [expect.any(String)] } })
  })
})
