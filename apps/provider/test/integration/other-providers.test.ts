import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { addressOf, sha256Hex } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { feeOf, orderRun, quote, send, start, type OrderedRun } from './support/api.ts'
import { PEER_KEY, startPeerProvider, type PeerProviderStub } from './support/peer-provider-stub.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

const CODE = 'console.log("from elsewhere")'

describe('services at other providers', () => {
  let stack: Stack
  let peer: PeerProviderStub
  let dataset: PublishedAsset
  let algorithm: PublishedAsset
  let run: OrderedRun

  beforeAll(async () => {
    peer = await startPeerProvider()
    stack = await startStack({}, { fetch: openOriginFetch({ allowList: ['127.0.0.1'], timeoutMs: 5_000 }) })
    peer.feeToken = stack.chain.addresses.Ocean
    algorithm = await publishAtPeer('access')
    dataset = await stack.publish({
      files: [stack.origin.offer('/data.csv', 'a,b\n')],
      compute: { publisherTrustedAlgorithms: [{ did: algorithm.did, filesChecksum: sha256Hex(CODE) }] },
    })
    run = await orderRun(stack, { dataset, algorithm })
  })
  afterAll(async () => {
    await stack.close()
    await peer.close()
  })
  beforeEach(() => {
    peer.signsWith = PEER_KEY
    peer.files.set(algorithm.did, CODE)
  })

  async function publishAtPeer(
    serviceType: 'access' | 'compute',
    type: 'algorithm' | 'dataset' = 'algorithm',
  ): Promise<PublishedAsset> {
    const asset = await stack.publish({
      type,
      serviceType,
      files: [{ type: 'url', url: 'http://hidden.example/algo.js', method: 'GET' }],
      filesKey: PEER_KEY,
      serviceEndpoint: peer.url,
    })
    peer.files.set(asset.did, CODE)
    peer.datatokens.set(asset.did, asset.datatoken)
    return asset
  }

  it('has the other provider quote its algorithm, and its own address in the fee', async () => {
    const answer = await quote(stack, { dataset, algorithm, environment: 'paid' })
    const quotes = answer.json as { datasets: Quote[]; algorithm: Quote }
    expect(feeOf(quotes.algorithm).providerFeeAddress).toBe(addressOf(PEER_KEY))
    // The run itself is paid to us, with the dataset.
    expect(BigInt(feeOf(quotes.datasets[0]).providerFeeAmount)).toBeGreaterThan(0n)
  })

  it('starts with an order that paid the other provider, and pins the bytes it told', async () => {
    expect((await start(stack, run)).status).toBe(200)
    const { workflow } = stack.operator.starts().at(-1) as { workflow: { stages: { algorithm: unknown }[] } }
    expect(workflow.stages[0]?.algorithm).toMatchObject({
      id: algorithm.did,
      checkedFiles: [sha256Hex(CODE)],
      remote: { serviceEndpoint: peer.url, txId: run.algorithm.transferTxId },
    })
  })

  it('behaviour: who the other provider is, is asked once', () => {
    expect(peer.seen.filter(({ path }) => path === '/')).toHaveLength(1)
  })

  it('error: other bytes than the dataset trusts', async () => {
    peer.files.set(algorithm.did, 'steal()')
    expect((await start(stack, run)).json).toEqual({ error: { dataset: 'algorithm_file_checksum_mismatch' } })
  })

  it('error: files that the other provider cannot tell', async () => {
    peer.files.delete(algorithm.did)
    expect((await start(stack, run)).json).toEqual({ error: { algorithm: 'file_unavailable' } })
  })

  it('error: a fee that is not the other provider’s own', async () => {
    peer.signsWith = stack.stranger.key
    const answer = await quote(stack, { dataset, algorithm })
    expect([answer.status, answer.json]).toEqual([
      400,
      { error: 'Another provider was asked for a quote and gave a fee that is not its own.' },
    ])
  })

  it('error: what was paid to the other provider does not pay us', async () => {
    const beside = await stack.publish({
      files: [stack.origin.offer('/beside.csv', 'x')],
      compute: { publisherTrustedAlgorithms: ['*'] },
    })
    // Of two datasets one carries the price and the other is quoted at zero: only that one is ordered.
    const answer = await send(stack, 'POST', '/api/services/initializeCompute', {
      datasets: [dataset, beside].map(({ did, serviceId }) => ({ documentId: did, serviceId })),
      algorithm: { documentId: algorithm.did, serviceId: algorithm.serviceId },
      compute: { env: 'paid', validUntil: Math.floor(Date.now() / 1000) + 600 },
      consumerAddress: stack.consumer.address,
    })
    const { datasets } = answer.json as { datasets: Quote[] }
    expect(datasets.map((item) => feeOf(item).providerFeeAmount)).toEqual([expect.stringMatching(/^[1-9]/), '0'])
    const transferTxId = await stack.consumer.startOrder(beside.datatoken, {
      consumer: stack.environmentAddress,
      fee: feeOf(datasets[1]),
    })
    const unpaid = { documentId: beside.did, serviceId: beside.serviceId, transferTxId }
    const started = await start(stack, { ...run, environment: 'paid', dataset: unpaid })
    expect(started.json).toEqual({ error: { order: 'fees_not_paid' } })
  })

  it('error: a private algorithm of another provider', async () => {
    const hidden = await publishAtPeer('compute')
    const open = await stack.publish({
      files: [stack.origin.offer('/open.csv', 'x')],
      compute: { publisherTrustedAlgorithms: ['*'] },
    })
    expect((await quote(stack, { dataset: open, algorithm: hidden })).json).toEqual({
      error: { algorithm: 'compute_services_not_in_same_provider' },
    })
  })

  it('error: a provider that does not answer is named as the reason', async () => {
    const lost = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: ['x'],
      filesKey: PEER_KEY,
      serviceEndpoint: `${stack.origin.url}/nobody-here`,
    })
    const open = await stack.publish({
      files: [stack.origin.offer('/open.csv', 'x')],
      compute: { publisherTrustedAlgorithms: ['*'] },
    })
    expect((await quote(stack, { dataset: open, algorithm: lost })).json).toEqual({
      error: { algorithm: 'file_unavailable' },
    })
  })

  it.each([
    ['does not tell its files', undefined, 'file_unavailable'],
    ['has none for it', [], 'file_unavailable'],
    ['has more than a job may have from elsewhere', Array<string>(501).fill('x'), 'too_many_files'],
  ])('error: a further dataset whose provider %s, before anything is paid', async (_what, files, code) => {
    const more = await publishAtPeer('access', 'dataset')
    if (files) peer.files.set(more.did, files)
    else peer.files.delete(more.did)
    const answer = await send(stack, 'POST', '/api/services/initializeCompute', {
      datasets: [dataset, more].map(({ did, serviceId }) => ({ documentId: did, serviceId })),
      algorithm: { documentId: algorithm.did, serviceId: algorithm.serviceId },
      compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 600 },
      consumerAddress: stack.consumer.address,
    })
    expect([answer.status, answer.json]).toEqual([400, { error: { 'datasets[1].serviceId': code } }])
  })
})
