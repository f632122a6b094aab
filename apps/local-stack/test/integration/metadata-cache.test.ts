import { sha256Hex } from '@c2d/chain'
import { DEV_ACCOUNTS, DEV_CHAIN_ID, devWallet } from '@c2d/dev-servers'
import { silentLogger } from '@c2d/runtime'
import { startTestChain, type TestChain } from '@c2d/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Contract, JsonRpcProvider, type EventLog } from 'ethers'
import { ALGORITHMS } from '../../src/algorithms.ts'
import { locateDataset } from '../../src/dataset.ts'
import type { AssetFacts } from '../../src/metadata-cache/asset-answer.ts'
import { startMetadataCache, type MetadataCache } from '../../src/metadata-cache/metadata-cache.ts'
import { loadOceanJs } from '../../src/story/ocean-js.ts'
import { createPublisher, type PublishedAsset, type Publisher } from '../../src/story/publish-assets.ts'
import { createSigner } from '../../src/story/signers.ts'
import { startStandInProvider, type StandInProvider } from './stand-in-provider.ts'

const CACHE_WALLET = devWallet(7)

type Asset = AssetFacts & {
  id: string
  services: { compute?: { publisherTrustedAlgorithms: { did: string; filesChecksum: string }[] } }[]
}

describe('the metadata cache on a real chain, with ocean.js as the publisher', () => {
  let chain: TestChain
  let provider: StandInProvider
  let cache: MetadataCache
  let publisher: Publisher

  const ask = (path: string, init?: RequestInit) => fetch(`${cache.url}/api/aquarius/assets/${path}`, init)
  const resolve = async (did: string) => (await (await ask(`ddo/${did}`)).json()) as Asset
  const publishDataset = () => publisher.publishDataset(locateDataset(), 'http://127.0.0.1:1/wages.csv')
  const transact = async (asset: PublishedAsset, signature: string, ...args: unknown[]) => {
    const rpc = new JsonRpcProvider(chain.rpcUrl, DEV_CHAIN_ID, { staticNetwork: true, cacheTimeout: -1 })
    const nft = new Contract(asset.nftAddress, [`function ${signature}`], devWallet(0).connect(rpc))
    const sent = (await nft.getFunction(signature.split('(')[0] ?? '').send(...args)) as { wait(): Promise<unknown> }
    await sent.wait()
    rpc.destroy()
  }

  beforeAll(async () => {
    chain = await startTestChain()
    provider = await startStandInProvider({ rpcUrl: chain.rpcUrl, decrypter: CACHE_WALLET.address })
    cache = await startMetadataCache(
      {
        host: '127.0.0.1',
        port: 0,
        rpcUrl: chain.rpcUrl,
        chainId: DEV_CHAIN_ID,
        factoryAddress: chain.addresses.ERC721Factory,
        startBlock: chain.addresses.startBlock,
        providerUrl: provider.url,
        wallet: CACHE_WALLET,
      },
      { log: silentLogger },
    )
    publisher = createPublisher(
      {
        chainId: DEV_CHAIN_ID,
        providerUrl: provider.url,
        metadataCacheUrl: cache.url,
        factoryAddress: chain.addresses.ERC721Factory,
        signer: createSigner(DEV_ACCOUNTS.publisher, { rpcUrl: chain.rpcUrl, chainId: DEV_CHAIN_ID }),
      },
      { client: loadOceanJs({ addressFile: chain.addressFile, write: () => undefined }) },
    )
  })
  afterAll(async () => {
    await cache.close()
    await provider.close()
    await chain.stop()
  })

  it('behaviour: a document that was just published is found, with what the chain says of it', async () => {
    const published = await publishDataset()
    const asset = await resolve(published.did)
    expect(asset).toMatchObject({
      id: published.did,
      nft: { address: published.nftAddress, owner: DEV_ACCOUNTS.publisher.address, state: 0, symbol: 'WAGES' },
      datatokens: [{ address: published.datatokenAddress, symbol: 'WAGES-1', serviceId: published.serviceId }],
      event: { from: DEV_ACCOUNTS.publisher.address, contract: published.nftAddress },
      stats: { orders: 0, price: { value: 0 } },
    })
    expect(asset.event.txid).toMatch(/^0x[0-9a-f]{64}$/)
    expect(await (await ask(`metadata/${published.did}`)).json()).toMatchObject({
      type: 'dataset',
      license: 'PDDL-1.0',
    })
  })

  it('behaviour: the validation proof is one that the contract accepts, as publishing with it shows', async () => {
    const published = await publishDataset()
    const rpc = new JsonRpcProvider(chain.rpcUrl, DEV_CHAIN_ID, { staticNetwork: true })
    const event = 'event MetadataValidated(address indexed validator, bytes32 hash, uint8 v, bytes32 r, bytes32 s)'
    const [log] = await new Contract(published.nftAddress, [event], rpc).queryFilter('MetadataValidated')
    rpc.destroy()
    expect((log as EventLog | undefined)?.args['validator']).toBe(CACHE_WALLET.address)
  })

  it('behaviour: a document published anew takes the place of the old one', async () => {
    const dataset = await publishDataset()
    const before = await resolve(dataset.did)
    const algorithm = ALGORITHMS.node
    const asset = await publisher.publishAlgorithm(algorithm, 'http://127.0.0.1:1/wage-gap.cjs')
    await publisher.trustAlgorithms(dataset, [{ asset, algorithm }])
    const after = await resolve(dataset.did)
    expect(after.services[0]?.compute?.publisherTrustedAlgorithms).toEqual([
      {
        did: asset.did,
        filesChecksum: 'ab'.repeat(32),
        containerSectionChecksum: sha256Hex(algorithm.container.entrypoint + algorithm.container.checksum),
      },
    ])
    expect(after.event.txid).not.toBe(before.event.txid)
    expect(after.nft.created).toBe(before.nft.created)
  })

  it('behaviour: a changed state and a changed owner show', async () => {
    const published = await publishDataset()
    await transact(published, 'setMetaDataState(uint8)', 3)
    expect((await resolve(published.did)).nft.state).toBe(3)
    await transact(
      published,
      'transferFrom(address,address,uint256)',
      DEV_ACCOUNTS.publisher.address,
      DEV_ACCOUNTS.consumer.address,
      1,
    )
    expect((await resolve(published.did)).nft.owner).toBe(DEV_ACCOUNTS.consumer.address)
  })

  it('error: an asset that nobody published is not found', async () => {
    const response = await ask(`ddo/did:op:${'0'.repeat(64)}`)
    expect([response.status, await response.json()]).toEqual([404, { error: expect.stringContaining('not found') }])
  })

  it('error: an invalid document is told what is wrong with it', async () => {
    const headers = { 'content-type': 'application/octet-stream' }
    const validate = (body: string) => ask('ddo/validate', { method: 'POST', headers, body })
    const notJson = await validate('{')
    expect([notJson.status, await notJson.json()]).toEqual([400, { errors: { document: 'is not JSON' } }])
    const asset = await resolve((await publishDataset()).did)
    const foreign = await validate(JSON.stringify({ ...asset, id: `did:op:${'0'.repeat(64)}` }))
    expect([foreign.status, await foreign.json()]).toEqual([
      400,
      { errors: { id: expect.stringContaining(`must be ${asset.id}`) } },
    ])
  })

  it('error: a text whose hash is not the one on chain is not served, whoever gives it', async () => {
    const published = await publishDataset()
    const before = await resolve(published.did)
    provider.lie(JSON.stringify({ ...before, version: '4.5.0' }))
    const hash = `0x${'1'.repeat(64)}`
    const method = 'setMetaData(uint8,string,string,bytes,bytes,bytes32,tuple(address,uint8,bytes32,bytes32)[])'
    await transact(published, method, 0, provider.url, '', '0x02', '0x1234', hash, [])
    expect(await resolve(published.did)).toEqual(before)
  })
})
