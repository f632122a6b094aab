import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sha256Hex } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import { feeOf, orderRun, quote, send, start, type OrderedRun } from './support/api.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { ALGORITHM_CODE, publishOrderedPair } from './support/ordered-pair.ts'
import { startStack, type Stack } from './support/stack.ts'

const DAY_SECONDS = 86_400

interface SentStage {
  input: unknown
  compute: unknown
  algorithm: unknown
}

describe('compute jobs under attack', () => {
  let stack: Stack
  let dataset: PublishedAsset
  let algorithm: PublishedAsset
  let run: OrderedRun

  beforeAll(async () => {
    stack = await startStack()
    ;({ algorithm, dataset, run } = await publishOrderedPair(stack, { publisherTrustedAlgorithms: ['*'] }))
    await stack.publisher.mint(stack.chain.addresses.Ocean, stack.consumer.address, 10n ** 24n)
  })
  afterAll(() => stack.close())

  const publishDataset = (path: string, changes: { timeout?: number } = {}): Promise<PublishedAsset> =>
    stack.publish({
      files: [stack.origin.offer(path, 'a,b\n')],
      compute: { publisherTrustedAlgorithms: ['*'] },
      ...changes,
    })

  /** Orders one service with a fee as quoted, for the environment. */
  const order = (asset: PublishedAsset, item: Quote | undefined): Promise<string> =>
    stack.consumer.startOrder(asset.datatoken, { consumer: stack.environmentAddress, fee: feeOf(item) })

  /** What is answered to a start that must leave nothing at the operator. */
  async function refusal(request: OrderedRun, changes: Record<string, unknown> = {}): Promise<unknown> {
    const before = stack.operator.starts().length
    const answer = await start(stack, request, { changes })
    expect([answer.status, stack.operator.starts().length]).toEqual([400, before])
    return answer.json
  }

  /** The stage that the operator gets for a start that must pass. */
  async function sentStage(changes: Record<string, unknown> = {}): Promise<SentStage | undefined> {
    expect((await start(stack, run, { changes })).status).toBe(200)
    const sent = stack.operator.starts().at(-1) as { workflow: { stages: SentStage[] } }
    return sent.workflow.stages[0]
  }

  it('a metadata cache sends the algorithm’s files elsewhere: the published endpoint travels', async () => {
    const forged = structuredClone(algorithm.document) as { services: { serviceEndpoint: string }[] }
    const service = forged.services[0]
    if (service) service.serviceEndpoint = 'http://attacker.example'
    stack.cache.put(algorithm.did, forged)
    expect(await sentStage()).toMatchObject({ algorithm: { remote: { serviceEndpoint: 'http://172.15.0.4:8030' } } })
    stack.cache.put(algorithm.did, algorithm.document)
  })

  it('an algorithm’s host swaps bytes after the check: what was checked travels, for the pod to compare', async () => {
    const stage = await sentStage()
    stack.origin.offer('/algo.js', 'steal()', 'text/javascript')
    expect(stage).toMatchObject({ algorithm: { checkedFiles: [sha256Hex(ALGORITHM_CODE)] } })
    stack.origin.offer('/algo.js', ALGORITHM_CODE, 'text/javascript')
  })

  it('a private algorithm is ordered as a dataset', async () => {
    const hidden = await stack.publish({
      type: 'algorithm',
      files: [stack.origin.offer('/private.js', 'secret')],
      compute: { publisherTrustedAlgorithms: ['*'], allowRawAlgorithm: true },
    })
    expect((await quote(stack, { dataset: hidden, algorithm })).json).toEqual({ error: { dataset: 'not_dataset' } })
    const asInput = { documentId: hidden.did, serviceId: hidden.serviceId, transferTxId: run.dataset.transferTxId }
    expect(await refusal({ ...run, dataset: asInput })).toEqual({ error: { dataset: 'not_dataset' } })
    expect(await refusal(run, { additionalDatasets: [asInput] })).toEqual({ error: { 'datasets[1]': 'not_dataset' } })
  })

  it('one order pays for two datasets', async () => {
    const second = await publishDataset('/second.csv')
    const unpaid = { documentId: second.did, serviceId: second.serviceId, transferTxId: run.dataset.transferTxId }
    expect(await refusal(run, { additionalDatasets: [unpaid] })).toEqual({
      error: { 'datasets[1].serviceId': 'order_invalid' },
    })
  })

  it('a dataset of the consumer’s own opens the network for somebody else’s', async () => {
    const open = await stack.publish({
      files: [stack.origin.offer('/open.csv', 'x')],
      compute: { publisherTrustedAlgorithms: ['*'], allowNetworkAccess: true },
    })
    const opened = await orderRun(stack, { dataset: open, algorithm })
    const stage = await sentStage({ additionalDatasets: [opened.dataset] })
    expect(stage).toMatchObject({ compute: { allowNetworkAccess: false } })
  })

  it('hashes of files that an owner wants salted: the workflow says so of that dataset, and of no other', async () => {
    const salted = await stack.publish({
      files: [stack.origin.offer('/salted.csv', 'x')],
      compute: { publisherTrustedAlgorithms: ['*'], saltFileHashes: true },
    })
    const opened = await orderRun(stack, { dataset: salted, algorithm })
    const stage = await sentStage({ additionalDatasets: [opened.dataset] })
    expect(stage?.input).toEqual([
      expect.not.objectContaining({ saltFileHashes: expect.anything() }),
      expect.objectContaining({ id: salted.did, saltFileHashes: true }),
    ])
  })

  it('a run of more than a day is quoted at what is left of it: it is quoted whole', async () => {
    const long = await quote(stack, { dataset, algorithm, environment: 'paid', seconds: DAY_SECONDS + 60 })
    const amountWei = BigInt(feeOf((long.json as { datasets: Quote[] }).datasets[0]).providerFeeAmount)
    // 0.1 a minute for a day and a minute, less what the request itself took
    expect(amountWei).toBeGreaterThan(143n * 10n ** 18n)
    expect(amountWei).toBeLessThan(145n * 10n ** 18n)
  })

  it('a fee is paid with less than was quoted: its signature covers the amount, so the contract refuses', async () => {
    const quotes = (await quote(stack, { dataset, algorithm, environment: 'paid' })).json as { datasets: Quote[] }
    const cheaper = { providerFee: { ...feeOf(quotes.datasets[0]), providerFeeAmount: '1' } }
    await expect(order(dataset, cheaper)).rejects.toThrow()
    stack.consumer.resync() // what was refused took a number
  })

  it('only the parts that were quoted at zero are ordered', async () => {
    const beside = await publishDataset('/beside.csv')
    const answer = await send(stack, 'POST', '/api/services/initializeCompute', {
      datasets: [dataset, beside].map(({ did, serviceId }) => ({ documentId: did, serviceId })),
      algorithm: { documentId: algorithm.did, serviceId: algorithm.serviceId },
      compute: { env: 'paid', validUntil: Math.floor(Date.now() / 1000) + 600 },
      consumerAddress: stack.consumer.address,
    })
    const quotes = answer.json as { datasets: Quote[]; algorithm: Quote }
    const datasetTx = await order(beside, quotes.datasets[1])
    const algorithmTx = await order(algorithm, quotes.algorithm)
    const unpaid: OrderedRun = {
      environment: 'paid',
      dataset: { documentId: beside.did, serviceId: beside.serviceId, transferTxId: datasetTx },
      algorithm: { ...run.algorithm, transferTxId: algorithmTx },
    }
    expect(await refusal(unpaid)).toEqual({ error: { order: 'fees_not_paid' } })
  })

  it('a quote for thousands of datasets costs the cache and the chain nothing', async () => {
    const one = { documentId: dataset.did, serviceId: dataset.serviceId }
    const before = stack.cache.seen.length
    const answer = await send(stack, 'POST', '/api/services/initializeCompute', {
      datasets: Array.from({ length: 2_000 }, () => one),
      algorithm: { documentId: algorithm.did, serviceId: algorithm.serviceId },
      compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 600 },
      consumerAddress: stack.consumer.address,
    })
    expect([answer.status, answer.json]).toEqual([400, { error: { additional_input: 'invalid' } }])
    const many = Array.from({ length: 100 }, () => run.dataset)
    expect(await refusal(run, { additionalDatasets: many })).toEqual({ error: { additional_input: 'invalid' } })
    expect(stack.cache.seen).toHaveLength(before)
  })

  it('an asset is revoked between its quote and the start', async () => {
    const withdrawn = await publishDataset('/withdrawn.csv')
    const ordered = await orderRun(stack, { dataset: withdrawn, algorithm })
    expect((await start(stack, ordered)).status).toBe(200)
    await stack.publisher.setState(withdrawn.nft, 3)
    expect(await refusal(ordered)).toEqual({ error: { dataset: 'Asset is not consumable.' } })
  })

  it('a dataset stops trusting an algorithm between its quote and the start', async () => {
    const strict = await publishDataset('/strict.csv')
    const ordered = await orderRun(stack, { dataset: strict, algorithm })
    await stack.republish(strict, { publisherTrustedAlgorithms: [] })
    expect(await refusal(ordered)).toEqual({ error: { dataset: 'not_trusted_algo' } })
  })

  it('an order is older than its service allows', async () => {
    const brief = await publishDataset('/brief.csv', { timeout: 1 })
    const ordered = await orderRun(stack, { dataset: brief, algorithm })
    await new Promise((resolve) => setTimeout(resolve, 2_500)) // the order is then older than its second
    expect(await refusal(ordered)).toEqual({ error: { 'dataset.serviceId': 'order_invalid' } })
  })

  it('a block with an order is taken back', async () => {
    const before = await stack.chain.snapshot()
    const lost = await orderRun(stack, { dataset, algorithm })
    expect((await start(stack, lost)).status).toBe(200)
    await stack.chain.revert(before)
    expect(await refusal(lost)).toEqual({ error: { 'dataset.serviceId': 'order_invalid' } })
    stack.consumer.resync()
  })
})
