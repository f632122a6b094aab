import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { Quote } from '@c2d/contracts'
import { ask, feeOf, orderRun, send, start, type OrderedRun } from './support/api.ts'
import { CONTAINER, publishAsset, type AssetChoices, type PublishedAsset } from './support/publish-asset.ts'
import { openReferenceHouse, type ReferenceHouse } from './support/reference-house.ts'
import { startStack } from './support/stack.ts'

const UNKNOWN_DID = `did:op:${'0'.repeat(64)}`

jest.setTimeout(300_000)

let house: ReferenceHouse
beforeAll(async () => {
  house = await openReferenceHouse()
})
afterAll(() => house.close())

describe('the start of a job', () => {
  let dataset: PublishedAsset
  let algorithm: PublishedAsset
  let extra: PublishedAsset
  let run: OrderedRun

  beforeAll(async () => {
    algorithm = await house.publish({ type: 'algorithm', files: [house.url('/algo.js')] })
    const compute = { allowRawAlgorithm: true, publisherTrustedAlgorithms: ['*' as const] }
    dataset = await house.publish({ serviceType: 'compute', compute })
    extra = await house.publish()
    run = await orderRun(house.stack, { dataset, algorithm })
  })

  const named = (asset: PublishedAsset, tx = '0x00') => ({
    documentId: asset.did,
    serviceId: asset.serviceId,
    transferTxId: tx,
  })
  const refusal = async (changes: Record<string, unknown>): Promise<unknown> => {
    const answer = await start(house.stack, run, { changes })
    return answer.status === 200 ? 200 : [answer.status, (answer.json as { error?: unknown }).error ?? answer.json]
  }

  it.each<[string, () => Record<string, unknown>, unknown]>([
    ['as it should be', () => ({}), 200],
    ['additional datasets that are empty', () => ({ additionalDatasets: '' }), 200],
    [
      'additional datasets that are no list',
      () => ({ additionalDatasets: 'x' }),
      [400, { additional_input: 'invalid' }],
    ],
    [
      'an additional dataset without a DID',
      () => ({ additionalDatasets: [{ serviceId: 'a', transferTxId: '0x00' }] }),
      [400, { 'datasets[1].documentId': 'missing' }],
    ],
    [
      'an additional dataset nobody published',
      () => ({ additionalDatasets: [{ ...named(extra), documentId: UNKNOWN_DID }] }),
      [400, { 'datasets[1].documentId': 'did_not_found' }],
    ],
    [
      'an additional dataset without that service',
      () => ({ additionalDatasets: [{ ...named(extra), serviceId: 'nope' }] }),
      [400, { 'datasets[1].serviceId': 'not_found' }],
    ],
    [
      'an algorithm that is none',
      () => ({ algorithm: named(extra, run.algorithm.transferTxId) }),
      [400, { algorithm: 'not_algo' }],
    ],
    [
      'an algorithm nobody published',
      () => ({ algorithm: { ...run.algorithm, documentId: UNKNOWN_DID } }),
      [400, { algorithm: 'did_not_found' }],
    ],
    [
      'an order that is not the algorithm’s',
      () => ({ algorithm: { ...run.algorithm, transferTxId: run.dataset.transferTxId } }),
      [400, { algorithm: 'in_use_or_not_on_chain' }],
    ],
    [
      'raw code without a container',
      () => ({ algorithm: { meta: { rawcode: 'x' } } }),
      [400, { 'algorithm.container': 'missing_entrypoint_image_checksum' }],
    ],
    [
      'raw code without an image',
      () => ({ algorithm: { meta: { rawcode: 'x', container: { ...CONTAINER, image: '' } } } }),
      [400, { 'algorithm.container': 'missing_entrypoint_image_checksum' }],
    ],
    [
      'raw code in a container that is not pinned',
      () => ({ algorithm: { meta: { rawcode: 'x', container: { ...CONTAINER, checksum: 'latest' } } } }),
      [400, { 'algorithm.container': 'checksum_prefix' }],
    ],
    [
      'a meta that says nothing',
      () => ({ algorithm: { meta: { language: 'js', container: CONTAINER } } }),
      [400, { algorithm: 'meta_oneof_url_rawcode_remote' }],
    ],
    ['an output that is no JSON', () => ({ output: 'not json' }), [400, { output: 'invalid' }]],
  ])('%s', async (_what, changes, answered) => {
    expect(await refusal(changes())).toEqual(answered)
  })

  it('a dataset whose files another provider keeps', async () => {
    const choices: AssetChoices = { files: [house.url('/x')], compute: { publisherTrustedAlgorithms: ['*'] } }
    const foreign = await publishAsset(choices, { ...house.stack, providerKey: house.stack.stranger.key })
    expect((await start(house.stack, { ...run, dataset: named(foreign) })).json).toEqual({
      error: { 'dataset.serviceId': 'compute_services_not_in_same_provider' },
    })
  })

  it('a main dataset that is an access', async () => {
    const tx = await house.order(extra)
    const answer = await start(house.stack, { ...run, dataset: named(extra, tx) })
    expect(answer.json).toEqual({ error: { 'dataset.serviceId': 'main_service_compute' } })
  })

  it('an access beside it', async () => {
    const quotes = await send(house.stack, 'POST', '/api/services/initializeCompute', {
      datasets: [named(dataset, run.dataset.transferTxId), { documentId: extra.did, serviceId: extra.serviceId }],
      algorithm: run.algorithm,
      compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 300 },
      consumerAddress: house.stack.consumer.address,
    })
    const fee = feeOf((quotes.json as { datasets: Quote[] }).datasets[1])
    const tx = await house.stack.consumer.startOrder(extra.datatoken, { consumer: house.stack.environmentAddress, fee })
    expect(await refusal({ additionalDatasets: [named(extra, tx)] })).toBe(200)
  })

  it('an algorithm whose file is gone, or that is not for the caller', async () => {
    const gone = await house.publish({ type: 'algorithm', files: [house.url('/gone')] })
    const quotes = await send(house.stack, 'POST', '/api/services/initializeCompute', {
      datasets: [named(dataset)],
      algorithm: named(gone),
      compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 300 },
      consumerAddress: house.stack.consumer.address,
    })
    expect([quotes.status, quotes.json]).toEqual([400, { error: { algorithm: 'file_unavailable' } }])
    const deny = [{ type: 'address', values: [house.stack.consumer.address] }]
    const denied = await house.publish({ type: 'algorithm', credentials: { deny } })
    expect(await refusal({ algorithm: named(denied) })).toEqual([
      400,
      { 'algorithm.credentials': expect.stringContaining('CREDENTIAL_IN_DENY_LIST') },
    ])
  })
})

describe('without an operator', () => {
  it('there are no routes for jobs', async () => {
    const lone = await startStack({}, { operator: null })
    try {
      for (const [method, path] of [
        ['POST', 'compute'],
        ['GET', 'compute'],
        ['PUT', 'compute'],
        ['DELETE', 'compute'],
        ['GET', 'computeResult'],
        ['GET', 'computeEnvironments'],
      ] as const) {
        const answer = await ask(lone, method, `/api/services/${path}`)
        expect([path, answer.status, answer.text]).toEqual([path, 404, expect.stringContaining('404 Not Found')])
      }
    } finally {
      await lone.close()
    }
  })
})
