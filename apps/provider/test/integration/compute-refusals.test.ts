import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Quote } from '@c2d/contracts'
import { buildStart, feeOf, orderRun, quote, send, type OrderedRun } from './support/api.ts'
import { CONTAINER, type PublishedAsset } from './support/publish-asset.ts'
import { ALGORITHM_CODE, publishOrderedPair } from './support/ordered-pair.ts'
import { startStack, type Stack } from './support/stack.ts'

describe('starts that are refused, and leave nothing at the operator', () => {
  let stack: Stack
  let dataset: PublishedAsset
  let algorithm: PublishedAsset
  let run: OrderedRun

  beforeAll(async () => {
    stack = await startStack({ publicUrls: ['http://172.15.0.4:8030'] }) // where assets of a test say they are
    ;({ algorithm, dataset, run } = await publishOrderedPair(stack))
  })
  afterAll(() => stack.close())

  async function refusal(request: Record<string, unknown>) {
    const before = stack.operator.starts().length
    const answer = await send(stack, 'POST', '/api/services/compute', request)
    expect(stack.operator.starts()).toHaveLength(before)
    expect(answer.status).toBe(400)
    return answer.json
  }

  it('error: a signature by somebody else is answered with who really signed', async () => {
    const { address } = stack.consumer
    const request = buildStart(run, stack.consumer, {}, stack.stranger)
    const { nonce, signature } = request
    expect(await refusal(request)).toEqual({
      errors: {
        signature:
          `Invalid signature ${signature} for ethereum address ${address}, message ${address}${dataset.did}` +
          ` and nonce ${nonce}. Got ${stack.stranger.address.toLowerCase()}`,
      },
      message: 'Validation error',
      success: false,
    })
  })

  it('error: a missing signature is answered with a list', async () => {
    expect(await refusal(buildStart(run, stack.consumer, { signature: undefined }))).toMatchObject({
      errors: { signature: ['Invalid signature provided. Please check the nonce or documentId.'] },
    })
  })

  it('error: a claimed address that is none is refused as a field', async () => {
    expect(await refusal(buildStart(run, stack.consumer, { consumerAddress: 'me' }))).toMatchObject({
      errors: { consumerAddress: ['The consumerAddress format is invalid.'] },
    })
  })

  it('error: fields that are missing are named in the words of the reference', async () => {
    expect(await refusal({})).toEqual({
      errors: { 'dataset.documentId': ['The dataset.documentId field is required.'] },
      message: 'Validation error',
      success: false,
    })
    expect(await refusal({ dataset: { documentId: dataset.did, serviceId: 'a-service' } })).toEqual({
      errors: {
        'dataset.transferTxId': ['The dataset.transferTxId field is required.'],
        'algorithm.documentId': ['The algorithm.documentId field is required when algorithm.meta is not present.'],
        'algorithm.meta': ['The algorithm.meta field is required when algorithm.documentId is not present.'],
        consumerAddress: ['The consumerAddress field is required.'],
      },
      message: 'Validation error',
      success: false,
    })
  })

  it('error: an order for another dataset does not pay for this one', async () => {
    const other = await stack.publish({
      files: [stack.origin.offer('/other.csv', 'x')],
      compute: { publisherTrustedAlgorithms: ['*'] },
    })
    const otherRun = await orderRun(stack, { dataset: other, algorithm })
    const mixed = { ...run, dataset: { ...run.dataset, transferTxId: otherRun.dataset.transferTxId } }
    expect(await refusal(buildStart(mixed, stack.consumer))).toEqual({
      error: { 'dataset.serviceId': 'order_invalid' },
    })
  })

  it('error: an order made by somebody else, for somebody else, is not the caller’s', async () => {
    expect(await refusal(buildStart(run, stack.stranger))).toEqual({
      error: { 'dataset.serviceId': 'order_invalid' },
    })
  })

  it('error: an order for the consumer itself is one that the environment could fetch nothing with', async () => {
    const quotes = (await quote(stack, { dataset, algorithm })).json as { datasets: Quote[]; algorithm: Quote }
    const orderForMyself = (asset: PublishedAsset, item: Quote | undefined): Promise<string> =>
      stack.consumer.startOrder(asset.datatoken, { consumer: stack.consumer.address, fee: feeOf(item) })
    const datasetTx = await orderForMyself(dataset, quotes.datasets[0])
    const algorithmTx = await orderForMyself(algorithm, quotes.algorithm)
    const ownDataset = { ...run, dataset: { ...run.dataset, transferTxId: datasetTx } }
    expect(await refusal(buildStart(ownDataset, stack.consumer))).toEqual({
      error: { 'dataset.serviceId': 'order_invalid' },
    })
    const ownAlgorithm = { ...run, algorithm: { ...run.algorithm, transferTxId: algorithmTx } }
    expect(await refusal(buildStart(ownAlgorithm, stack.consumer))).toEqual({
      error: { algorithm: 'in_use_or_not_on_chain' },
    })
    const reused = await quote(stack, { dataset, algorithm }, { dataset: datasetTx, algorithm: algorithmTx })
    expect(reused.json).toEqual({
      datasets: [expect.not.objectContaining({ validOrder: expect.anything() })],
      algorithm: expect.not.objectContaining({ validOrder: expect.anything() }),
    })
  })

  it('error: a transaction that is not on chain is no order', async () => {
    const missing = { ...run, dataset: { ...run.dataset, transferTxId: `0x${'12'.repeat(32)}` } }
    expect(await refusal(buildStart(missing, stack.consumer))).toEqual({
      error: { 'dataset.serviceId': 'order_invalid' },
    })
  })

  it('error: an environment other than the ordered one is refused with the order', async () => {
    expect(await refusal(buildStart({ ...run, environment: 'nowhere' }, stack.consumer))).toEqual({
      error: { 'dataset.serviceId': 'order_invalid' },
    })
  })

  it('error: an algorithm the dataset does not trust is refused', async () => {
    const untrusted = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/untrusted.js', 'steal()')],
    })
    const refused = { ...run, algorithm: { ...run.algorithm, documentId: untrusted.did } }
    expect(await refusal(buildStart(refused, stack.consumer))).toEqual({ error: { dataset: 'not_trusted_algo' } })
  })

  it('error: an algorithm whose file changed since it was trusted is refused', async () => {
    stack.origin.offer('/algo.js', 'console.log("something else")', 'text/javascript')
    expect(await refusal(buildStart(run, stack.consumer))).toEqual({
      error: { dataset: 'algorithm_file_checksum_mismatch' },
    })
    stack.origin.offer('/algo.js', ALGORITHM_CODE, 'text/javascript')
  })

  it('error: raw code is refused where the dataset does not allow it', async () => {
    const algorithm = { meta: { rawcode: 'steal()', container: CONTAINER } }
    expect(await refusal(buildStart(run, stack.consumer, { algorithm }))).toEqual({
      error: { dataset: 'no_raw_algo_allowed' },
    })
  })

  it('error: a DID nobody published is not found', async () => {
    const did = `did:op:${'0'.repeat(64)}`
    const unknown = { ...run, dataset: { ...run.dataset, documentId: did } }
    expect(await refusal(buildStart(unknown, stack.consumer))).toEqual({
      error: { 'dataset.documentId': 'did_not_found' },
    })
  })

  it('error: a dataset that says it is here, and whose files nobody here can read', async () => {
    const unreadable = await stack.publish({
      serviceType: 'access',
      files: [stack.origin.offer('/unreadable.csv', 'x')],
      filesKey: stack.stranger.key,
    })
    const additionalDatasets = [
      { documentId: unreadable.did, serviceId: unreadable.serviceId, transferTxId: run.dataset.transferTxId },
    ]
    expect(await refusal(buildStart(run, stack.consumer, { additionalDatasets }))).toEqual({
      error: { 'datasets[1].serviceId': 'file_unavailable' },
    })
  })

  it('error: an algorithm is never an input', async () => {
    const swapped = { ...run, dataset: run.algorithm }
    expect(await refusal(buildStart(swapped, stack.consumer))).toEqual({ error: { dataset: 'not_dataset' } })
  })

  it('error: a run that was quoted at zero beside a fee that nobody paid is not paid for', async () => {
    const quotes = (await quote(stack, { dataset, algorithm, environment: 'paid' })).json as { algorithm: Quote }
    const free = (await quote(stack, { dataset, algorithm, environment: 'free' })).json as { datasets: Quote[] }
    const algorithmTx = await stack.consumer.startOrder(algorithm.datatoken, {
      consumer: stack.environmentAddress,
      fee: feeOf(quotes.algorithm),
    })
    expect(feeOf(quotes.algorithm).providerFeeAmount).toBe('0')
    const datasetTx = await stack.consumer.startOrder(dataset.datatoken, {
      consumer: stack.environmentAddress,
      fee: feeOf(free.datasets[0]),
    })
    const mixed = {
      environment: 'paid',
      dataset: { ...run.dataset, transferTxId: datasetTx },
      algorithm: { ...run.algorithm, transferTxId: algorithmTx },
    }
    // The zero fee is bound to its environment, so it cannot be carried over into the paid one.
    expect(await refusal(buildStart(mixed, stack.consumer))).toEqual({
      error: { 'dataset.serviceId': 'order_invalid' },
    })
  })

  it('error: a nonce that was used is stale', async () => {
    const request = buildStart(run, stack.consumer)
    expect((await send(stack, 'POST', '/api/services/compute', request)).status).toBe(200)
    expect(await refusal(request)).toEqual({
      errors: {
        signature: `Invalid signature expected nonce (${request.nonce}) > current nonce (${request.nonce}).`,
      },
      message: 'Validation error',
      success: false,
    })
  })

  it('error: a withdrawn asset is not consumable', async () => {
    const withdrawn = await stack.publish({
      files: [stack.origin.offer('/withdrawn.csv', 'x')],
      compute: { publisherTrustedAlgorithms: ['*'] },
    })
    const ordered = await orderRun(stack, { dataset: withdrawn, algorithm })
    await stack.publisher.setState(withdrawn.nft, 3)
    expect(await refusal(buildStart(ordered, stack.consumer))).toEqual({
      error: { dataset: 'Asset is not consumable.' },
    })
  })
})
