import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { buildJob, RESULT_TEXT } from './support/fake-operator.ts'
import { ocean, type ComputeQuotes, type OceanConsumer } from './support/ocean-js.ts'
import { client, inSeconds, named, startOceanStack, type OceanStack } from './support/ocean-stack.ts'
import type { PublishedAsset } from './support/publish-asset.ts'

const text = (data: ArrayBuffer): string => Buffer.from(data).toString()

jest.setTimeout(300_000)

describe('every call of ocean.js 3.4.6 about jobs', () => {
  let stack: OceanStack
  let consumer: OceanConsumer
  let dataset: PublishedAsset
  let extra: PublishedAsset
  let algorithm: PublishedAsset

  beforeAll(async () => {
    stack = await startOceanStack()
    ;({ buyer: consumer, dataset, extra, algorithm } = stack)
  })
  afterAll(() => stack.close())

  describe.each(['free', 'paid'] as const)('a job in the %s environment', (kind) => {
    const validUntil = inSeconds(600)
    let txs: { dataset: string; algorithm: string }
    let jobId: string

    const initialize = (until: number, orders?: { dataset: string; algorithm: string }): Promise<ComputeQuotes> =>
      client.initializeCompute(
        [named(dataset, orders?.dataset)],
        named(algorithm, orders?.algorithm),
        stack.environment(kind).id,
        until,
        stack.url,
        consumer.address,
      )
    const start = (orders: { dataset: string; algorithm: string }) =>
      client.computeStart(
        stack.url,
        consumer.signer,
        stack.environment(kind).id,
        named(dataset, orders.dataset),
        named(algorithm, orders.algorithm),
      )
    const settle = async (quotes: ComputeQuotes) => {
      const { consumerAddress } = stack.environment(kind)
      return {
        algorithm: await consumer.settle(algorithm.datatoken, quotes.algorithm, consumerAddress),
        dataset: await consumer.settle(dataset.datatoken, quotes.datasets[0], consumerAddress),
      }
    }

    it('is quoted as two orders, of which at most one has a price; ordered; started', async () => {
      const quotes = await initialize(validUntil)
      const fees = [quotes.datasets[0]?.providerFee, quotes.algorithm?.providerFee]
      expect([quotes.datasets[0]?.validOrder, quotes.algorithm?.validOrder]).toEqual([undefined, undefined])
      expect(fees.map((fee) => [fee?.validUntil, fee?.providerFeeToken])).toEqual([
        [validUntil, stack.chain.addresses.Ocean],
        [validUntil, stack.chain.addresses.Ocean],
      ])
      expect(fees.filter((fee) => fee?.providerFeeAmount !== '0')).toHaveLength(kind === 'free' ? 0 : 1)
      txs = await settle(quotes)
      const jobs = await start(txs)
      jobId = jobs?.[0]?.jobId ?? ''
      expect(jobs).toMatchObject([
        { jobId: expect.any(String), agreementId: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
      ])
    })

    it('is started again with nothing to pay: the very orders are told back', async () => {
      expect(await initialize(validUntil, txs)).toEqual({
        datasets: [{ validOrder: txs.dataset }],
        algorithm: { validOrder: txs.algorithm },
      })
      expect(await start(txs)).toMatchObject([{ jobId: expect.any(String) }])
    })

    it('is started for longer, with the orders used again and only the fee paid', async () => {
      const quotes = await initialize(inSeconds(1_200), txs)
      expect([quotes.datasets[0]?.validOrder, quotes.algorithm?.validOrder]).toEqual([txs.dataset, txs.algorithm])
      expect([quotes.datasets[0], quotes.algorithm].some((item) => item?.providerFee)).toBe(true)
      const reused = await settle(quotes)
      expect(reused).not.toEqual(txs)
      expect(await start(reused)).toMatchObject([{ jobId: expect.any(String) }])
      // What was used again is still named by its first order.
      const again = await initialize(inSeconds(1_100), reused)
      expect([again.datasets[0]?.validOrder, again.algorithm?.validOrder]).toEqual([txs.dataset, txs.algorithm])
    })

    it('is watched by its owner, with the agreement as a transaction, as a DID, or without', async () => {
      stack.operator.jobs = [buildJob({ jobId, owner: consumer.address, agreementId: txs.dataset, status: 70 })]
      const { did } = dataset
      for (const ask of [[jobId], [jobId, did], [jobId, txs.dataset], [undefined, txs.dataset]] as const) {
        expect(await client.computeStatus(stack.url, consumer.address, ask[0], ask[1])).toMatchObject([
          { status: 70, owner: consumer.address },
        ])
      }
      const asked = stack.operator.seen.slice(-4).map(({ query }) => [query.get('jobId'), query.get('agreementId')])
      expect(asked).toEqual([
        [jobId, null],
        [jobId, null],
        [jobId, null],
        [null, txs.dataset],
      ])
      expect(stack.operator.seen.at(-1)?.query.get('owner')).toBe(consumer.address)
    })

    it('has results', async () => {
      const url = await client.getComputeResultUrl(stack.url, consumer.signer, jobId, 0)
      const { data, filename } = await ocean.downloadFile(url)
      expect([text(data), filename]).toEqual([RESULT_TEXT, 'result.txt'])
    })

    it('is stopped, with and without its agreement, and deleted', async () => {
      const stop = (agreementId?: string) =>
        client.computeStop(dataset.did, consumer.address, jobId, stack.url, consumer.signer, agreementId)
      expect(await stop()).toMatchObject([{ jobId }])
      expect(await stop(txs.dataset)).toMatchObject([{ jobId }])
      expect(await client.computeDelete(dataset.did, consumer.signer, jobId, stack.url)).toBe('')
    })
  })

  describe('the rest of computeStart', () => {
    let orders: { dataset: string; extra: string; algorithm: string }

    beforeAll(async () => {
      const { id, consumerAddress } = stack.environment('free')
      const quotes = await client.initializeCompute(
        [named(dataset), named(extra)],
        named(algorithm),
        id,
        inSeconds(600),
        stack.url,
        consumer.address,
      )
      orders = {
        dataset: await consumer.order(dataset.datatoken, quotes.datasets[0], consumerAddress),
        extra: await consumer.order(extra.datatoken, quotes.datasets[1], consumerAddress),
        algorithm: await consumer.order(algorithm.datatoken, quotes.algorithm, consumerAddress),
      }
    })

    it('takes additional datasets, values for the algorithm and an output', async () => {
      const jobs = await client.computeStart(
        stack.url,
        consumer.signer,
        'free',
        { ...named(dataset, orders.dataset), userdata: { rows: 2 } },
        { ...named(algorithm, orders.algorithm), algocustomdata: { depth: 3 }, userdata: { seed: 4 } },
        undefined,
        [named(extra, orders.extra)],
        { metadataUri: 'https://example.org' },
      )
      expect(jobs).toMatchObject([{ jobId: expect.any(String) }])
      const workflow = stack.operator.starts().at(-1)?.['workflow'] as { stages: Record<string, unknown>[] }
      const [stage] = workflow.stages
      expect(stage).toMatchObject({
        input: [
          { id: dataset.did, remote: { txId: orders.dataset, userdata: { rows: 2 } } },
          { id: extra.did, remote: { txId: orders.extra } },
        ],
        algorithm: { id: algorithm.did, algocustomdata: { depth: 3 } },
      })
      expect(JSON.stringify(stage)).not.toContain('example.org')
    })

    it('behaviour: raw code is quoted without an algorithm, and started', async () => {
      const meta = {
        rawcode: 'print(1)',
        language: 'py',
        version: '0.1',
        container: { entrypoint: 'python $ALGO', image: 'python', tag: '3', checksum: `sha256:${'8'.repeat(64)}` },
      }
      const quotes = await client.initializeCompute(
        [named(dataset, orders.dataset)],
        { meta },
        'free',
        inSeconds(300),
        stack.url,
        consumer.address,
      )
      expect(quotes).toEqual({ datasets: [{ validOrder: orders.dataset }] })
      const raw = await client.computeStart(stack.url, consumer.signer, 'free', named(dataset, orders.dataset), {
        meta,
      })
      expect(raw).toMatchObject([{ agreementId: orders.dataset }])
    })

    it('error: a refusal makes it null, as ever', async () => {
      const refused = await client.computeStart(
        stack.url,
        consumer.signer,
        'paid',
        named(dataset, orders.dataset),
        named(algorithm, orders.algorithm),
      )
      expect(refused).toBeNull()
    })

    it('error: an environment nobody has is told', async () => {
      const refused = client.initializeCompute(
        [named(dataset)],
        named(algorithm),
        'nowhere',
        inSeconds(300),
        stack.url,
        consumer.address,
      )
      await expect(refused).rejects.toThrow('Compute environment does not exist')
    })
  })
})
