import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { ComputeOptions } from '@c2d/contracts'
import { buildJob, RESULT_TEXT } from './support/fake-operator.ts'
import { createOceanConsumer, ocean, type ComputeQuotes, type OceanConsumer } from './support/ocean-js.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

const CSV = 'a,b\n1,2\n'
const client = ocean.ProviderInstance
const text = (data: ArrayBuffer): string => Buffer.from(data).toString()
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds
const named = (asset: PublishedAsset, transferTxId?: string) => ({
  documentId: asset.did,
  serviceId: asset.serviceId,
  ...(transferTxId === undefined ? {} : { transferTxId }),
})

jest.setTimeout(300_000)

describe('every call of ocean.js 3.4.6', () => {
  let stack: Stack
  let consumer: OceanConsumer
  let dataset: PublishedAsset
  let extra: PublishedAsset
  let algorithm: PublishedAsset
  let environments: Awaited<ReturnType<typeof client.getComputeEnvironments>>['8996']

  beforeAll(async () => {
    jest.spyOn(console, 'log').mockReturnValue() // the library tells every nonce
    jest.spyOn(console, 'error').mockReturnValue() // and every answer it does not like
    stack = await startStack()
    consumer = createOceanConsumer(stack.chain.rpcUrl, stack.consumer)
    await stack.publisher.mint(stack.chain.addresses.Ocean, consumer.address, 10n ** 21n)
    algorithm = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/algo.js', 'print(1)', 'text/javascript')],
    })
    const compute: ComputeOptions = { allowRawAlgorithm: true, publisherTrustedAlgorithms: ['*'] }
    dataset = await stack.publish({ files: [stack.origin.offer('/data.csv', CSV, 'text/csv')], compute })
    extra = await stack.publish({ files: [stack.origin.offer('/more.csv', CSV, 'text/csv')], compute })
    environments = (await client.getComputeEnvironments(stack.url))['8996'] ?? []
  })
  afterAll(() => stack.close())

  const environment = (kind: 'free' | 'paid') => {
    // The strict comparison of the library's own tests: prices are numbers.
    const found = environments.find(({ priceMin }) => (kind === 'free' ? priceMin === 0 : priceMin !== 0))
    if (!found) throw new Error(`no ${kind} environment`)
    return found
  }

  describe('about the provider', () => {
    it('isValidProvider: ours, with and without a slash at the end; not whatever else answers', async () => {
      expect(await client.isValidProvider(stack.url)).toBe(true)
      expect(await client.isValidProvider(`${stack.url}/`)).toBe(true)
      expect(await client.isValidProvider(stack.origin.url)).toBe(false)
    })

    it('getNonce: 1 for strangers, else the last one that was spent', async () => {
      expect(await client.getNonce(stack.url, stack.stranger.address)).toBe(1)
      const url = await client.getDownloadUrl(dataset.did, dataset.serviceId, 0, '0x00', stack.url, consumer.signer)
      await fetch(url)
      const spent = Number(new URL(url).searchParams.get('nonce'))
      expect(await client.getNonce(stack.url, consumer.address)).toBe(spent)
    })

    it('encrypt: bare hex that a contract takes, up to large documents', async () => {
      for (const data of [{ a: 1 }, '', { text: 'ü'.repeat(400_000) }]) {
        expect(await client.encrypt(data, 8996, stack.url)).toMatch(/^0x(?:[0-9a-f]{2})+$/)
      }
    })

    it('getFileInfo: of an address, with its checksum', async () => {
      const file = { type: 'url', url: `${stack.origin.url}/data.csv`, method: 'GET' }
      const about = { index: 0, type: 'url', valid: true, contentType: 'text/csv', contentLength: String(CSV.length) }
      expect(await client.getFileInfo(file, stack.url)).toEqual([{ ...about, filename: 'data.csv' }])
      const checksum = createHash('sha256').update(CSV).digest('hex')
      expect(await client.getFileInfo(file, stack.url, true)).toMatchObject([
        { ...about, checksum, checksumType: 'sha256' },
      ])
    })

    it('checkDidFiles: of a published service', async () => {
      expect(await client.checkDidFiles(dataset.did, dataset.serviceId, stack.url, true)).toMatchObject([
        { index: 0, type: 'url', valid: true, checksumType: 'sha256' },
      ])
    })

    it('error: checkDidFiles throws the body of a refusal', async () => {
      const refused = client.checkDidFiles(dataset.did, 'another', stack.url)
      await expect(refused).rejects.toThrow(JSON.stringify({ error: 'Provider Ganache: Invalid serviceId.' }))
    })

    it('getComputeEnvironments: one is free, one is not, each has an account and a fee token', () => {
      expect(environments.map(({ priceMin }) => typeof priceMin)).toEqual(['number', 'number'])
      expect([environment('free').id, environment('paid').id]).toEqual(['free', 'paid'])
      for (const one of environments) {
        expect(one).toMatchObject({ consumerAddress: stack.environmentAddress, feeToken: stack.chain.addresses.Ocean })
      }
    })
  })

  describe('an access', () => {
    it('initialize, order, getDownloadUrl, downloadFile; and the order again', async () => {
      const { did, serviceId, datatoken } = algorithm
      const quoted = await client.initialize(did, serviceId, 0, consumer.address, stack.url)
      expect(quoted.datatoken).toBe(datatoken)
      const tx = await consumer.order(datatoken, quoted, consumer.address)
      for (const _again of ['once', 'twice']) {
        const url = await client.getDownloadUrl(did, serviceId, 0, tx, stack.url, consumer.signer)
        const { data, filename } = await ocean.downloadFile(url)
        expect([text(data), filename]).toEqual(['print(1)', 'algo.js'])
      }
    })

    it('behaviour: user data, environment and time beside it change nothing of a quote', async () => {
      const { did, serviceId } = algorithm
      const quoted = await client.initialize(
        did,
        serviceId,
        0,
        consumer.address,
        stack.url,
        undefined,
        { firstname: 'Zoë', 'a&b': '#' },
        'free',
        inSeconds(300),
      )
      expect(quoted.providerFee).toMatchObject({ providerFeeAmount: '0', validUntil: 0 })
    })

    it('user data of a download reaches the origin', async () => {
      const { did, serviceId, datatoken } = algorithm
      const quoted = await client.initialize(did, serviceId, 0, consumer.address, stack.url)
      const tx = await consumer.order(datatoken, quoted, consumer.address)
      const before = stack.origin.seen.length
      const userdata = { page: '2' }
      const url = await client.getDownloadUrl(did, serviceId, 0, tx, stack.url, consumer.signer, userdata)
      await ocean.downloadFile(url)
      expect(stack.origin.seen.slice(before).map(({ query }) => query.get('page'))).toEqual(['2'])
    })

    it('error: a compute service is not initialized as an access', async () => {
      const refused = client.initialize(dataset.did, dataset.serviceId, 0, consumer.address, stack.url)
      await expect(refused).rejects.toThrow('Use the initializeCompute endpoint to initialize compute jobs.')
    })

    it('error: downloadFile refuses what is not the file', async () => {
      const url = await client.getDownloadUrl(algorithm.did, algorithm.serviceId, 0, '0x00', stack.url, consumer.signer)
      await expect(ocean.downloadFile(url)).rejects.toThrow('Response error.')
    })
  })

  describe.each(['free', 'paid'] as const)('a job in the %s environment', (kind) => {
    const validUntil = inSeconds(600)
    let txs: { dataset: string; algorithm: string }
    let jobId: string

    const initialize = (until: number, orders?: { dataset: string; algorithm: string }): Promise<ComputeQuotes> =>
      client.initializeCompute(
        [named(dataset, orders?.dataset)],
        named(algorithm, orders?.algorithm),
        environment(kind).id,
        until,
        stack.url,
        consumer.address,
      )
    const start = (orders: { dataset: string; algorithm: string }) =>
      client.computeStart(
        stack.url,
        consumer.signer,
        environment(kind).id,
        named(dataset, orders.dataset),
        named(algorithm, orders.algorithm),
      )
    const settle = async (quotes: ComputeQuotes) => {
      const { consumerAddress } = environment(kind)
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
      const { id, consumerAddress } = environment('free')
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
