import {
  addressOf,
  buildProviderFee,
  computeDid,
  createChainClient,
  DATA_NFT_ABI,
  DATATOKEN_ABI,
  isFeeSignedBy,
  sha256Hex,
  type ChainClient,
} from '@c2d/chain'
import { DEV_ACCOUNTS } from '@c2d/dev-servers'
import { createOceanActor, type OceanActor, startTestChain, type TestChain } from '@c2d/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Interface, ZeroAddress } from 'ethers'

const PROVIDER_KEY = DEV_ACCOUNTS.provider.publishedPrivateKey
const DOCUMENT = Buffer.from('{"id":"did:op:first"}')
const NEWER_DOCUMENT = Buffer.from('{"id":"did:op:second"}')
const hashOf = (bytes: Uint8Array) => `0x${sha256Hex(bytes)}`
const NOWHERE = '0x000000000000000000000000000000000000bEEF'

let chain: TestChain
let client: ChainClient
let publisher: OceanActor
let consumer: OceanActor
const closers: (() => void | Promise<void>)[] = []
let asset: { nft: string; datatoken: string }
let other: { nft: string; datatoken: string }

const buildFee = (dt: string, amountWei = 0n) =>
  buildProviderFee(
    {
      providerData: { environment: 'env', timestamp: 1700000000.5, dt, id: 's1' },
      feeToken: chain.addresses.Ocean,
      amountWei,
      validUntil: 1900000000,
    },
    PROVIDER_KEY,
  )

beforeAll(async () => {
  chain = await startTestChain()
  closers.push(() => chain.stop())
  const { ERC721Factory: factoryAddress, startBlock, chainId } = chain.addresses
  client = createChainClient({ chainId, rpcUrl: chain.rpcUrl, factoryAddress, startBlock })
  publisher = createOceanActor(chain.rpcUrl, factoryAddress, 0)
  consumer = createOceanActor(chain.rpcUrl, factoryAddress, 1)
  closers.push(() => [client, publisher, consumer].forEach((one) => one.close()))
  asset = await publisher.publish()
  other = await publisher.publish()
  for (const { datatoken } of [asset, other]) await publisher.mintDatatoken(datatoken, consumer.address)
})

afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

describe('the chain itself', () => {
  it('behaviour: it is ready where the endpoint serves the chain, and tells the newest time', async () => {
    await expect(client.isReady()).resolves.toBeUndefined()
    expect(Math.abs((await client.latestBlockTimestamp()) - Date.now() / 1000)).toBeLessThan(3600)
  })

  it('error: an endpoint of another chain is not ready', async () => {
    const stranger = createChainClient({ chainId: 1, rpcUrl: chain.rpcUrl })
    await expect(stranger.isReady()).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
    stranger.close()
  })

  it('behaviour: tokens know their decimals', async () => {
    await expect(client.tokenDecimals(chain.addresses.MockUSDC)).resolves.toBe(6)
    await expect(client.tokenDecimals(chain.addresses.Ocean.toLowerCase())).resolves.toBe(18)
    await expect(client.tokenDecimals(NOWHERE)).rejects.toThrow(/no ERC-20 token/)
  })
})

describe('assets', () => {
  it('behaviour: an NFT of the factory knows its datatokens and its owner', async () => {
    await expect(client.isFactoryNft(asset.nft.toLowerCase())).resolves.toBe(true)
    await expect(client.isDatatokenOf(asset.nft, asset.datatoken.toLowerCase())).resolves.toBe(true)
    await expect(client.nftOwner(asset.nft)).resolves.toBe(publisher.address)
    expect(computeDid(asset.nft, 8996)).toMatch(/^did:op:[0-9a-f]{64}$/)
  })

  it('error: a datatoken of another NFT, and addresses of nobody, are not', async () => {
    await expect(client.isDatatokenOf(asset.nft, other.datatoken)).resolves.toBe(false)
    await expect(client.isDatatokenOf(NOWHERE, asset.datatoken)).resolves.toBe(false)
    await expect(client.isDatatokenOf(asset.datatoken, asset.datatoken)).resolves.toBe(false)
    await expect(client.isFactoryNft(asset.datatoken)).resolves.toBe(false)
    await expect(client.isFactoryNft(ZeroAddress)).resolves.toBe(false)
    await expect(client.nftOwner(NOWHERE)).resolves.toBeNull()
  })

  it('error: without a factory nothing is taken for genuine', async () => {
    const unconfigured = createChainClient({ chainId: 8996, rpcUrl: chain.rpcUrl })
    await expect(unconfigured.isFactoryNft(asset.nft)).rejects.toThrow(/ERC721Factory is missing/)
    unconfigured.close()
  })

  it('behaviour: the latest metadata is read, with the state of now', async () => {
    const { nft } = await publisher.publish()
    await expect(client.latestMetadata(nft)).resolves.toBeNull()
    const created = await publisher.setMetadata(nft, DOCUMENT, hashOf(DOCUMENT))
    await expect(client.latestMetadata(nft.toLowerCase())).resolves.toMatchObject({
      state: 0,
      hash: hashOf(DOCUMENT),
      flags: 2,
      data: Uint8Array.from(DOCUMENT),
      decryptorUrl: 'http://decryptor',
      transactionHash: created,
    })

    const updated = await publisher.setMetadata(nft, NEWER_DOCUMENT, hashOf(NEWER_DOCUMENT))
    await publisher.setState(nft, 3)
    await expect(client.latestMetadata(nft)).resolves.toMatchObject({
      state: 3,
      hash: hashOf(NEWER_DOCUMENT),
      transactionHash: updated,
    })
    const { blockNumber } = (await client.metadataOfTransaction(updated, nft)) ?? { blockNumber: -1 }
    await expect(client.assetStateAt(nft, blockNumber)).resolves.toBe(0)
    await expect(client.assetStateAt(nft, blockNumber + 1)).resolves.toBe(3)
    await expect(client.assetStateAt(nft, 0)).resolves.toBeNull()
    await expect(client.metadataOfTransaction(created, nft)).resolves.toMatchObject({
      state: 3,
      hash: hashOf(DOCUMENT),
      transactionHash: created,
    })
    await expect(client.metadataOfTransaction(created, other.nft)).resolves.toBeNull()
    await expect(client.metadataOfTransaction(`0x${'ee'.repeat(32)}`, nft)).resolves.toBeNull()
    await expect(client.metadataOfTransaction('0x12', nft)).resolves.toBeNull()
  })

  it('error: metadata that another contract emitted does not count', async () => {
    await publisher.setMetadata(asset.nft, DOCUMENT, hashOf(DOCUMENT))
    const lookAlike = new Interface(DATA_NFT_ABI).encodeEventLog('MetadataUpdated', [
      publisher.address,
      0,
      'http://forger',
      '0x00',
      NEWER_DOCUMENT,
      hashOf(NEWER_DOCUMENT),
      1n,
      1n,
    ])
    const forged = await publisher.forge(lookAlike)
    expect(forged.logCount).toBe(1)
    await expect(client.latestMetadata(asset.nft)).resolves.toMatchObject({ hash: hashOf(DOCUMENT) })
    await expect(client.metadataOfTransaction(forged.transactionHash, asset.nft)).resolves.toBeNull()
    // It is no data NFT either: it has no state to tell.
    await expect(client.latestMetadata(forged.address)).resolves.toBeNull()
  })
})

describe('orders', () => {
  it('behaviour: an order and its reuse are read back with the fees that the provider signed', async () => {
    const orderTx = await consumer.order(asset.datatoken, NOWHERE, 1, buildFee(asset.datatoken))
    const order = await client.loadOrder(`0x${orderTx.slice(2).toUpperCase()}`, asset.datatoken, { timeoutMs: 1000 })
    expect(order).toMatchObject({
      transactionHash: orderTx,
      succeeded: true,
      from: consumer.address,
      to: asset.datatoken,
      orders: [{ consumer: NOWHERE, payer: consumer.address, amountWei: 10n ** 18n, serviceIndex: 1 }],
      reuses: [],
      fees: [{ amountWei: 0n, validUntil: 1900000000, providerData: { dt: asset.datatoken, id: 's1' } }],
    })
    expect(order?.orders[0]?.timestamp).toBe(order?.blockTimestamp)

    const amountWei = 10n ** 18n
    await publisher.transferToken(chain.addresses.Ocean, consumer.address, amountWei)
    await consumer.approve(chain.addresses.Ocean, asset.datatoken, amountWei)
    const reuseTx = await consumer.reuse(asset.datatoken, orderTx, buildFee(asset.datatoken, amountWei))
    const reuse = await client.loadOrder(reuseTx, asset.datatoken.toLowerCase(), { timeoutMs: 1000 })
    expect(reuse).toMatchObject({ orders: [], reuses: [{ orderTxId: orderTx, caller: consumer.address }] })

    for (const fee of [...(order?.fees ?? []), ...(reuse?.fees ?? [])]) {
      expect(isFeeSignedBy(fee, addressOf(PROVIDER_KEY))).toBe(true)
      expect(isFeeSignedBy(fee, consumer.address)).toBe(false)
    }
    expect(reuse?.fees).toMatchObject([{ amountWei }])
  })

  it('behaviour: of one transaction with two orders, each datatoken sees its own', async () => {
    for (const { datatoken } of [asset, other]) {
      await consumer.approve(datatoken, chain.addresses.ERC721Factory, 10n ** 18n)
    }
    const hash = await consumer.orderMany(
      [asset, other].map(({ datatoken }) => ({
        datatoken,
        consumer: consumer.address,
        providerFee: buildFee(datatoken),
      })),
    )
    for (const { datatoken } of [asset, other]) {
      await expect(client.loadOrder(hash, datatoken, { timeoutMs: 1000 })).resolves.toMatchObject({
        from: consumer.address,
        orders: [{ payer: chain.addresses.ERC721Factory, consumer: consumer.address }],
        fees: [{ providerData: { dt: datatoken } }],
      })
    }
  })

  it('error: an order that another contract emitted does not count', async () => {
    const lookAlike = new Interface(DATATOKEN_ABI).encodeEventLog('OrderStarted', [
      consumer.address,
      consumer.address,
      10n ** 18n,
      0n,
      1700000000n,
      ZeroAddress,
      1n,
    ])
    const forged = await consumer.forge(lookAlike)
    await expect(client.loadOrder(forged.transactionHash, forged.address, { timeoutMs: 1000 })).resolves.toMatchObject({
      orders: [{ consumer: consumer.address }],
    })
    await expect(client.loadOrder(forged.transactionHash, asset.datatoken, { timeoutMs: 1000 })).resolves.toMatchObject(
      { succeeded: true, orders: [], fees: [] },
    )
  })

  it('error: a transaction that never comes is null after its time, a malformed hash at once', async () => {
    const started = performance.now()
    await expect(client.loadOrder('order', asset.datatoken, { timeoutMs: 60_000 })).resolves.toBeNull()
    await expect(client.loadOrder(`0x${'ee'.repeat(32)}`, asset.datatoken, { timeoutMs: 250 })).resolves.toBeNull()
    expect(performance.now() - started).toBeGreaterThanOrEqual(249)
  })
})
