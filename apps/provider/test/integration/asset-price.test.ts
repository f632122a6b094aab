import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Quote } from '@c2d/contracts'
import { buildStart, feeOf, send, start, type Answer, type OrderedRun } from './support/api.ts'
import { buildEnvironment } from './support/fake-operator.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

const TOKEN = 10n ** 18n
const SECONDS = 600
/** 0.1 a minute, less what passes between the question and the quote. */
const RUN = { atMost: TOKEN, atLeast: (9n * TOKEN) / 10n }
const ASSET = (5n * TOKEN) / 2n
const WISH = { publishOutput: true, metadata: { name: 'counts' } }

interface Rule {
  rule: string
  outcome: string
  sentence: string
  change: string | null
}

describe('the price of the asset that results become', () => {
  let stack: Stack
  let dataset: PublishedAsset
  let algorithm: PublishedAsset

  beforeAll(async () => {
    stack = await startStack()
    const offer = { chains: [8996], freeBytes: 1_000_000 }
    const place = { consumerAddress: stack.environmentAddress }
    stack.operator.environments.push(
      buildEnvironment({ ...place, id: 'priced', priceMin: 0.1, derivedAssets: { ...offer, price: 2.5 } }),
      buildEnvironment({ ...place, id: 'asset-only', priceMin: 0, derivedAssets: { ...offer, price: 2.5 } }),
      buildEnvironment({ ...place, id: 'unpriced', priceMin: 0.1, derivedAssets: offer }),
    )
    algorithm = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/algo.js', 'count()', 'text/javascript')],
    })
    dataset = await publishDataset()
    await stack.publisher.mint(stack.chain.addresses.Ocean, stack.consumer.address, 10n ** 24n)
  })
  afterAll(() => stack.close())

  const publishDataset = (compute: object = {}): Promise<PublishedAsset> =>
    stack.publish({
      files: [stack.origin.offer('/data.csv', 'a,b\n')],
      compute: { publisherTrustedAlgorithms: ['*'], ...compute },
    })
  const name = ({ did, serviceId }: PublishedAsset) => ({ documentId: did, serviceId })

  function quotes(env: string, output?: unknown, on = dataset): Promise<Answer> {
    return send(stack, 'POST', '/api/services/initializeCompute', {
      datasets: [name(on)],
      algorithm: name(algorithm),
      compute: { env, validUntil: Math.floor(Date.now() / 1000) + SECONDS },
      consumerAddress: stack.consumer.address,
      ...(output === undefined ? {} : { output }),
    })
  }
  async function amounts(env: string, output?: unknown): Promise<bigint[]> {
    const answer = await quotes(env, output)
    expect([answer.status, answer.text.slice(0, 100)]).toEqual([200, expect.stringContaining('datasets')])
    const { datasets, algorithm: algo } = answer.json as { datasets: Quote[]; algorithm: Quote }
    return [...datasets, algo].map((one) => BigInt(feeOf(one).providerFeeAmount))
  }
  /** Orders as quoted for this output. */
  async function order(environment: string, output?: unknown): Promise<OrderedRun> {
    const { json } = await quotes(environment, output)
    const { datasets, algorithm: algo } = json as { datasets: Quote[]; algorithm: Quote }
    const consumer = stack.environmentAddress
    const pay = (asset: PublishedAsset, item: Quote | undefined): Promise<string> =>
      stack.consumer.startOrder(asset.datatoken, { consumer, fee: feeOf(item) })
    return {
      environment,
      dataset: { ...name(dataset), transferTxId: await pay(dataset, datasets[0]) },
      algorithm: { ...name(algorithm), transferTxId: await pay(algorithm, algo) },
    }
  }
  async function explain(
    run: OrderedRun,
    changes: object,
  ): Promise<{ price: object; rules: Rule[]; allowed: boolean }> {
    const body = buildStart(run, stack.consumer, { seconds: SECONDS, ...changes })
    const answer = await send(stack, 'POST', '/api/services/compute/explain', body)
    return answer.json as { price: object; rules: Rule[]; allowed: boolean }
  }

  it('is part of the fee where the output asks for an asset, of one item', async () => {
    const [run = 0n, ...rest] = await amounts('priced')
    expect(run).toBeLessThanOrEqual(RUN.atMost)
    expect(run).toBeGreaterThan(RUN.atLeast)
    for (const output of [WISH, JSON.stringify(WISH), { publishAlgorithmLog: 'true' }]) {
      const [both = 0n, ...others] = await amounts('priced', output)
      expect(both).toBeLessThanOrEqual(RUN.atMost + ASSET)
      expect(both).toBeGreaterThan(RUN.atLeast + ASSET)
      expect(others).toEqual(rest)
    }
  })

  it('behaviour: who asks for none, or where it costs nothing, pays for the run', async () => {
    const cases = [
      await amounts('priced', { publishOutput: false }),
      await amounts('unpriced', WISH),
      await amounts('paid', WISH),
    ]
    for (const [amount = 0n] of cases) {
      expect(amount).toBeLessThanOrEqual(RUN.atMost)
      expect(amount).toBeGreaterThan(RUN.atLeast)
    }
    expect(await amounts('asset-only')).toEqual([0n, 0n])
    expect(await amounts('asset-only', WISH)).toEqual([ASSET, 0n])
  })

  it('starts what is paid for so, and explains it with the same price', async () => {
    const run = await order('priced', WISH)
    const told = await explain(run, { output: WISH })
    expect(told.allowed).toBe(true)
    expect(told.price).toMatchObject({ amountWei: (TOKEN + ASSET).toString(), assetWei: ASSET.toString() })
    expect((await explain(run, {})).price).not.toHaveProperty('assetWei')
    const answer = await start(stack, run, { changes: { output: WISH } })
    expect([answer.status, answer.text.slice(0, 200)]).toEqual([200, expect.stringContaining('jobId')])
    const { workflow } = stack.operator.starts().at(-1) as { workflow: { stages: { output: object }[] } }
    expect(workflow.stages[0]?.output).toMatchObject({ derivedAsset: { outputs: true, log: false } })
  })

  it('error: an order that pays for the run alone starts no run with an asset, and is told why', async () => {
    for (const environment of ['priced', 'asset-only']) {
      const run = await order(environment)
      const refused = await start(stack, run, { changes: { output: WISH } })
      expect([refused.status, refused.json]).toEqual([400, { error: { order: 'fees_not_paid' } }])
      const told = await explain(run, { output: WISH })
      expect(told.allowed).toBe(false)
      expect(told.rules.find(({ rule }) => rule === 'fees-paid')).toMatchObject({
        outcome: 'deny',
        sentence: expect.stringContaining('not for the asset'),
        change: expect.stringContaining('initializeCompute'),
      })
      expect((await start(stack, run)).status).toBe(200)
    }
  })

  it('error: one price pays for one asset: another order beside it does not name the agreement', async () => {
    const paid = await order('asset-only', WISH)
    const cheap = await order('asset-only')
    const changes = { output: WISH, additionalDatasets: [cheap.dataset] }
    // One dataset cannot stand twice with other orders in one folder, but that is the configure step's business.
    expect((await start(stack, { ...paid, algorithm: cheap.algorithm }, { changes })).status).toBe(200)
    expect(stack.operator.starts().at(-1)).toMatchObject({ agreementId: paid.dataset.transferTxId.toLowerCase() })
  })

  it('error: what a start would refuse is refused before anything is paid', async () => {
    const closed = await publishDataset({ allowDerivedAssets: false })
    expect((await quotes('priced', WISH, closed)).json).toEqual({ error: { output: 'forbidden' } })
    expect((await quotes('priced', { ...WISH, owner: stack.stranger.address })).json).toEqual({
      error: { output: 'not_yours' },
    })
    expect((await quotes('priced', 'no json')).json).toEqual({ error: { output: 'invalid' } })
  })
})
