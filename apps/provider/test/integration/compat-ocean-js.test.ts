import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { RESULT_TEXT } from './support/fake-operator.ts'
import { createOceanConsumer, ocean, type OceanConsumer } from './support/ocean-js.ts'
import { client, CSV, inSeconds, startOceanStack, type OceanStack } from './support/ocean-stack.ts'
import type { PublishedAsset } from './support/publish-asset.ts'

const JOB_ID = '0123456789abcdef0123456789abcdef'
const text = (data: ArrayBuffer): string => Buffer.from(data).toString()

jest.setTimeout(300_000)

describe('every call of ocean.js 3.4.6 but those of jobs', () => {
  let stack: OceanStack
  let consumer: OceanConsumer
  let dataset: PublishedAsset
  let algorithm: PublishedAsset

  beforeAll(async () => {
    stack = await startOceanStack()
    ;({ buyer: consumer, dataset, algorithm } = stack)
  })
  afterAll(() => stack.close())

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

    it('behaviour: whoever once signed with nanoseconds comes to a nonce that was not used, each time', async () => {
      const { address } = stack.stranger
      await stack.db('nonce_highest').insert({ address: address.toLowerCase(), highest: '1763720000123456789' })
      const { signer } = createOceanConsumer(stack.chain.rpcUrl, stack.stranger)
      for (let count = 0; count < 3; count++) {
        const { data } = await ocean.downloadFile(await client.getComputeResultUrl(stack.url, signer, JOB_ID, 0))
        expect(text(data)).toBe(RESULT_TEXT)
      }
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
      expect(stack.environments.map(({ priceMin }) => typeof priceMin)).toEqual(['number', 'number'])
      expect([stack.environment('free').id, stack.environment('paid').id]).toEqual(['free', 'paid'])
      for (const one of stack.environments) {
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
})
