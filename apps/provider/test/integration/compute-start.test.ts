import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { recoverSigner, sha256Hex, signMessage } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import { DEV_ACCOUNTS, devWallet } from '@c2d/dev-servers'
import { buildStart, feeOf, orderRun, quote, send, start, type OrderedRun } from './support/api.ts'
import { CONTAINER, type PublishedAsset } from './support/publish-asset.ts'
import { ALGORITHM_CODE, publishOrderedPair } from './support/ordered-pair.ts'
import { startStack, type Stack } from './support/stack.ts'

describe('starting a compute job', () => {
  let stack: Stack
  let dataset: PublishedAsset
  let algorithm: PublishedAsset
  let run: OrderedRun

  beforeAll(async () => {
    stack = await startStack()
    ;({ algorithm, dataset, run } = await publishOrderedPair(stack))
  })
  afterAll(() => stack.close())

  /** What the operator was asked to do while something ran. */
  async function startsDuring(work: () => Promise<void>): Promise<Record<string, unknown>[]> {
    const before = stack.operator.starts().length
    await work()
    return stack.operator.starts().slice(before)
  }

  it('hands the operator a workflow with the checked algorithm, signed by the provider', async () => {
    const [sent] = await startsDuring(async () => {
      const changes = { algorithm: { ...run.algorithm, algouserdata: { k: 1 }, algocustomdata: { c: 2 } } }
      const answer = await start(stack, run, { changes })
      expect(answer.status).toBe(200)
      expect(answer.json).toMatchObject([{ jobId: expect.any(String), agreementId: run.algorithm.transferTxId }])
    })
    expect(sent).toMatchObject({
      agreementId: run.algorithm.transferTxId,
      owner: stack.consumer.address,
      environment: 'free',
      chainId: 8996,
      providerAddress: DEV_ACCOUNTS.provider.address,
      workflow: {
        stages: [
          {
            index: 0,
            input: [
              {
                index: 0,
                id: dataset.did,
                remote: {
                  serviceEndpoint: 'http://172.15.0.4:8030',
                  txId: run.dataset.transferTxId,
                  serviceId: 'a-service',
                },
              },
            ],
            algorithm: {
              id: algorithm.did,
              rawcode: '',
              container: CONTAINER,
              remote: {
                txId: run.algorithm.transferTxId,
                serviceId: 'a-service',
                userData: { k: 1 },
                userdata: { k: 1 },
              },
              algocustomdata: { c: 2 },
              checkedFiles: [sha256Hex(ALGORITHM_CODE)],
            },
            output: { metadataUri: stack.cache.url },
          },
        ],
      },
    })
    const nonce = String(sent?.['nonce'])
    expect(nonce).toMatch(/^\d{19}$/)
    const signature = String(sent?.['providerSignature'])
    expect(recoverSigner(stack.consumer.address + nonce, signature)).toBe(DEV_ACCOUNTS.provider.address)
  })

  it('behaviour: a nonce sent as a JSON number of nineteen digits keeps its digits', async () => {
    const nonce = '1700000000000000001'
    const { address, privateKey } = devWallet(4)
    const signature = signMessage(address + run.dataset.documentId + nonce, privateKey)
    const body = { consumerAddress: address, signature, ...run }
    const text = `${JSON.stringify(body).slice(0, -1)},"nonce":${nonce}}`
    const answer = await send(stack, 'POST', '/api/services/compute', text)
    // The signature fits, so the request gets as far as the order, which is somebody else's.
    expect(answer.json).toEqual({ error: { 'dataset.serviceId': 'order_invalid' } })
  })

  it('behaviour: the same order serves a second job, and needs no new payment', async () => {
    const answer = await quote(
      stack,
      { dataset, algorithm, seconds: 60 },
      { dataset: run.dataset.transferTxId, algorithm: run.algorithm.transferTxId },
    )
    expect(answer.json).toEqual({
      datasets: [{ validOrder: run.dataset.transferTxId }],
      algorithm: { validOrder: run.algorithm.transferTxId },
    })
    expect((await start(stack, run)).status).toBe(200)
  })

  it('behaviour: a longer run in a paid environment is paid by reuse, and starts with the reused orders', async () => {
    await stack.publisher.mint(stack.chain.addresses.Ocean, stack.consumer.address, 10n ** 21n)
    const paid = await orderRun(stack, { dataset, algorithm, environment: 'paid' })
    const reuse = { dataset: paid.dataset.transferTxId, algorithm: paid.algorithm.transferTxId }
    const longer = await quote(stack, { dataset, algorithm, environment: 'paid', seconds: 1200 }, reuse)
    const quotes = longer.json as { datasets: Quote[]; algorithm: Quote }
    expect(quotes.datasets[0]).toMatchObject({ validOrder: reuse.dataset, datatoken: dataset.datatoken })
    // 0.1 a minute for twenty minutes
    expect(BigInt(feeOf(quotes.datasets[0]).providerFeeAmount)).toBeGreaterThan(19n * 10n ** 17n)
    expect(feeOf(quotes.algorithm).providerFeeAmount).toBe('0')
    const datasetTx = await stack.consumer.reuseOrder(dataset.datatoken, reuse.dataset, feeOf(quotes.datasets[0]))
    const algorithmTx = await stack.consumer.reuseOrder(algorithm.datatoken, reuse.algorithm, feeOf(quotes.algorithm))
    const [sent] = await startsDuring(async () => {
      const answer = await start(stack, {
        environment: 'paid',
        dataset: { ...paid.dataset, transferTxId: datasetTx },
        algorithm: { ...paid.algorithm, transferTxId: algorithmTx },
      })
      expect(answer.text).toContain('jobId')
    })
    expect(sent).toMatchObject({ agreementId: datasetTx, validUntil: feeOf(quotes.datasets[0]).validUntil })
  })

  it('behaviour: an order that the factory bundled counts for whoever sent it', async () => {
    const quotes = (await quote(stack, { dataset, algorithm })).json as { datasets: Quote[] }
    const transferTxId = await stack.consumer.startBundledOrder(dataset.datatoken, {
      consumer: stack.environmentAddress,
      fee: feeOf(quotes.datasets[0]),
    })
    const answer = await start(stack, { ...run, dataset: { ...run.dataset, transferTxId } })
    expect(answer.status).toBe(200)
  })

  it('behaviour: of twenty requests with one nonce exactly one passes', async () => {
    const request = buildStart(run, stack.consumer)
    const sent = await startsDuring(async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => send(stack, 'POST', '/api/services/compute', request)),
      )
      expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
      expect(answers.filter((answer) => answer.status === 400)).toHaveLength(19)
    })
    expect(sent).toHaveLength(1)
  })

  it('behaviour: a cache that rewrites the trust list changes nothing', async () => {
    const refusing = await stack.publish({
      files: [stack.origin.offer('/private.csv', 'x')],
      compute: { publisherTrustedAlgorithms: [] },
    })
    const forged = structuredClone(refusing.document) as { services: { compute: unknown }[] }
    const service = forged.services[0]
    if (service) service.compute = { publisherTrustedAlgorithms: ['*'], allowRawAlgorithm: true }
    stack.cache.put(refusing.did, forged)
    const answer = await quote(stack, { dataset: refusing, algorithm })
    expect(answer.status).toBe(400)
    expect(answer.json).toEqual({ error: { dataset: 'not_trusted_algo' } })
  })

  it('behaviour: without the cache, the chain’s own document serves', async () => {
    stack.cache.remove(dataset.did)
    stack.cache.remove(algorithm.did)
    expect((await start(stack, run)).status).toBe(200)
  })
})
