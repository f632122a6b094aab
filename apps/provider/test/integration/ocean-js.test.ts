import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { ProviderFee, Quote } from '@c2d/contracts'
import { buildJob, RESULT_TEXT } from './support/fake-operator.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

/** What this file uses of ocean.js 3.4.6, whose ES module build cannot be imported in Node. */
interface OceanProvider {
  isValidProvider(url: string): Promise<boolean>
  encrypt(data: unknown, chainId: number, url: string): Promise<string>
  checkDidFiles(did: string, serviceId: string, url: string, checksum: boolean): Promise<{ valid: boolean }[]>
  getNonce(url: string, address: string): Promise<number>
  getComputeEnvironments(
    url: string,
  ): Promise<Record<string, { id: string; priceMin: number; consumerAddress: string }[]>>
  initialize(did: string, serviceId: string, fileIndex: number, consumer: string, url: string): Promise<Quote>
  initializeCompute(
    datasets: unknown[],
    algorithm: unknown,
    environment: string,
    validUntil: number,
    url: string,
    consumer: string,
  ): Promise<{ datasets: { providerFee: ProviderFee }[]; algorithm: { providerFee: ProviderFee } }>
  computeStart(
    url: string,
    signer: unknown,
    environment: string,
    dataset: unknown,
    algorithm: unknown,
  ): Promise<{ jobId: string; agreementId: string }[] | null>
  computeStatus(url: string, consumer: string, jobId?: string, agreementId?: string): Promise<unknown>
  computeStop(did: string, consumer: string, jobId: string, url: string, signer: unknown): Promise<unknown>
  computeDelete(did: string, signer: unknown, jobId: string, url: string): Promise<unknown>
  getComputeResultUrl(url: string, signer: unknown, jobId: string, index: number): Promise<string>
  getDownloadUrl(
    did: string,
    serviceId: string,
    fileIndex: number,
    tx: string,
    url: string,
    signer: unknown,
  ): Promise<string>
}

const require = createRequire(import.meta.url)
const ocean = require('@oceanprotocol/lib') as { ProviderInstance: OceanProvider }
const requireOfOcean = createRequire(require.resolve('@oceanprotocol/lib'))
const ethers5 = requireOfOcean('ethers') as {
  Wallet: new (key: string, provider: unknown) => unknown
  providers: { StaticJsonRpcProvider: new (url: string, chainId: number) => unknown }
}

describe('ocean.js 3.4.6, unmodified', () => {
  const client = ocean.ProviderInstance
  let stack: Stack
  let dataset: PublishedAsset
  let algorithm: PublishedAsset
  let signer: unknown

  beforeAll(async () => {
    jest.spyOn(console, 'log').mockReturnValue() // the library tells every nonce
    stack = await startStack()
    const { Wallet, providers } = ethers5
    signer = new Wallet(stack.consumer.key, new providers.StaticJsonRpcProvider(stack.chain.rpcUrl, 8996))
    algorithm = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/algo.js', 'x', 'text/javascript')],
    })
    dataset = await stack.publish({
      files: [stack.origin.offer('/data.csv', 'a,b')],
      compute: { publisherTrustedAlgorithms: ['*'] },
    })
  })
  afterAll(() => stack.close())

  it('takes it for a provider, encrypts with it, and asks it about files and nonces', async () => {
    expect(await client.isValidProvider(stack.url)).toBe(true)
    expect(await client.encrypt({ a: 1 }, 8996, stack.url)).toMatch(/^0x[0-9a-f]+$/)
    expect(await client.checkDidFiles(dataset.did, dataset.serviceId, stack.url, true)).toMatchObject([{ valid: true }])
    expect(await client.getNonce(stack.url, stack.stranger.address)).toBe(1)
  })

  it('finds an environment, orders, starts, watches, fetches, stops and deletes a job', async () => {
    const { address } = stack.consumer
    const environments = await client.getComputeEnvironments(stack.url)
    const environment = environments['8996']?.find((one) => one.priceMin === 0)
    if (!environment) throw new Error('no free environment')
    const name = (asset: PublishedAsset) => ({ documentId: asset.did, serviceId: asset.serviceId })
    const validUntil = Math.floor(Date.now() / 1000) + 300
    const quotes = await client.initializeCompute(
      [name(dataset)],
      name(algorithm),
      environment.id,
      validUntil,
      stack.url,
      address,
    )
    const order = (asset: PublishedAsset, fee: ProviderFee | undefined): Promise<string> => {
      if (!fee) throw new Error('no fee')
      return stack.consumer.startOrder(asset.datatoken, { consumer: environment.consumerAddress, fee })
    }
    const algorithmTx = await order(algorithm, quotes.algorithm.providerFee)
    const datasetTx = await order(dataset, quotes.datasets[0]?.providerFee)

    const jobs = await client.computeStart(
      stack.url,
      signer,
      environment.id,
      { ...name(dataset), transferTxId: datasetTx },
      { ...name(algorithm), transferTxId: algorithmTx },
    )
    const jobId = jobs?.[0]?.jobId ?? ''
    expect(jobs).toMatchObject([{ jobId: expect.any(String), agreementId: algorithmTx }])

    stack.operator.jobs = [buildJob({ jobId, owner: address, agreementId: algorithmTx })]
    // Its examples hand the DID over as the agreement.
    expect(await client.computeStatus(stack.url, address, jobId, dataset.did)).toMatchObject([{ jobId, status: 1 }])

    const result = await fetch(await client.getComputeResultUrl(stack.url, signer, jobId, 0))
    expect([result.status, await result.text()]).toEqual([200, RESULT_TEXT])
    expect(await client.computeStop(dataset.did, address, jobId, stack.url, signer)).toMatchObject([{ jobId }])
    expect(await client.computeDelete(dataset.did, signer, jobId, stack.url)).toBe('')
    expect(stack.operator.asked()).toEqual([
      'POST compute',
      'GET compute',
      'GET getResult',
      'PUT compute',
      'DELETE compute',
    ])
  })

  it('buys and downloads an access', async () => {
    const { address } = stack.consumer
    const quoted = await client.initialize(algorithm.did, algorithm.serviceId, 0, address, stack.url)
    if (!quoted.providerFee) throw new Error('no fee')
    const tx = await stack.consumer.startOrder(algorithm.datatoken, { consumer: address, fee: quoted.providerFee })
    const url = await client.getDownloadUrl(algorithm.did, algorithm.serviceId, 0, tx, stack.url, signer)
    const answer = await fetch(url)
    expect([answer.status, await answer.text()]).toEqual([200, 'x'])
    expect(/attachment;filename=(.+)/.exec(answer.headers.get('content-disposition') ?? '')?.[1]).toBe('algo.js')
  })
})
