import {
  buildProviderFee,
  computeDid,
  createChainClient,
  sha256Hex,
  type ChainClient,
  type ChainClientOptions,
} from '@c2d/chain'
import { DEV_ACCOUNTS } from '@c2d/dev-servers'
import { createOceanActor, type OceanActor, startTestChain, type TestChain } from '@c2d/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { eventually } from './eventually.ts'

const documents = ['{"id":"first"}', '{"id":"second"}'].map((text) => Buffer.from(text))
const hashOf = (bytes: Uint8Array) => `0x${sha256Hex(bytes)}`
const [first, second] = documents as [Buffer, Buffer]

let chain: TestChain
let actor: OceanActor
let asset: { nft: string; datatoken: string }
let calls: string[]
let clients: ChainClient[]
let snapshot: unknown

function open(options: Partial<ChainClientOptions> = {}): ChainClient {
  const { ERC721Factory: factoryAddress, startBlock, chainId } = chain.addresses
  const place = { chainId, rpcUrl: chain.rpcUrl, factoryAddress, startBlock }
  const client = createChainClient({ ...place, onCall: ({ method }) => calls.push(method), ...options })
  clients.push(client)
  return client
}
const mine = (blocks: number) => actor.rpc('anvil_mine', `0x${blocks.toString(16)}`)
/** Takes back every block since, as a reorganisation does. */
const takeBack = () => actor.rpc('evm_revert', snapshot)
/** What the client asks the chain for while something runs. */
async function callsOf<T>(run: () => Promise<T>): Promise<string[]> {
  calls = []
  await run()
  return calls
}

async function order(): Promise<string> {
  const terms = { environment: null, timestamp: 1700000000, dt: asset.datatoken, id: 's1' }
  const fee = { providerData: terms, feeToken: chain.addresses.Ocean, amountWei: 0n, validUntil: 0 }
  const signed = buildProviderFee(fee, DEV_ACCOUNTS.provider.publishedPrivateKey)
  return actor.order(asset.datatoken, actor.address, 0, signed)
}

beforeAll(async () => {
  chain = await startTestChain()
  actor = createOceanActor(chain.rpcUrl, chain.addresses.ERC721Factory, 0)
  asset = await actor.publish()
  await actor.mintDatatoken(asset.datatoken, actor.address)
})
afterAll(async () => {
  actor.close()
  await chain.stop()
})
beforeEach(async () => {
  calls = []
  clients = []
  snapshot = await actor.rpc('evm_snapshot')
})
afterEach(() => {
  for (const client of clients) client.close()
})

describe('orders and reorganisations', () => {
  const load = (client: ChainClient, hash: string) => client.loadOrder(hash, asset.datatoken, { timeoutMs: 0 })

  it('error: an order that the chain took back is not accepted, though it was a moment ago', async () => {
    const client = open()
    const hash = await order()
    for (let again = 0; again < 3; again++) {
      await expect(load(client, hash)).resolves.toMatchObject({ succeeded: true, orders: [{ serviceIndex: 0 }] })
    }
    await takeBack()
    await expect(load(client, hash)).resolves.toBeNull()
    await mine(20)
    await expect(load(client, hash)).resolves.toBeNull()
  })

  it('error: eleven blocks are not enough to rely on it', async () => {
    const client = open()
    const hash = await order()
    await mine(11)
    await load(client, hash)
    await takeBack()
    await expect(load(client, hash)).resolves.toBeNull()
  })

  it('behaviour: an order that is buried twelve blocks deep is read once', async () => {
    const client = open()
    const hash = await order()
    await mine(12)
    const found = await load(client, hash)
    await eventually(async () => !(await callsOf(() => load(client, hash))).includes('eth_getTransactionReceipt'))
    await expect(load(client, hash.toUpperCase().replace('0X', '0x'))).resolves.toEqual(found)
    // Of another datatoken it says nothing, remembered or not.
    await expect(client.loadOrder(hash, actor.address, { timeoutMs: 0 })).resolves.toMatchObject({ orders: [] })
  })

  it('behaviour: a development chain may remember at once', async () => {
    const client = open({ confirmationsToCache: 0 })
    const hash = await order()
    await load(client, hash)
    await eventually(async () => !(await callsOf(() => load(client, hash))).includes('eth_getTransactionReceipt'))
  })
})

describe('metadata and reorganisations', () => {
  it('error: metadata that the chain took back is gone', async () => {
    const client = open()
    const latest = async () => (await client.latestMetadata(asset.nft))?.hash ?? null
    const before = await latest()
    await actor.setMetadata(asset.nft, first, hashOf(first))
    expect(await latest()).toBe(hashOf(first))
    await takeBack()
    expect(await latest()).toBe(before)
  })

  it('error: what took the place of a block counts, though its number is the same', async () => {
    const client = open()
    await actor.setMetadata(asset.nft, first, hashOf(first))
    await expect(client.latestMetadata(asset.nft)).resolves.toMatchObject({ hash: hashOf(first) })
    await takeBack()
    await actor.setMetadata(asset.nft, second, hashOf(second))
    await expect(client.latestMetadata(asset.nft)).resolves.toMatchObject({ hash: hashOf(second) })
  })

  it('behaviour: within one block it is searched once, however many ask', async () => {
    const client = open({ latestBlockMaxAgeMs: 1_000 })
    await actor.setMetadata(asset.nft, first, hashOf(first))
    await client.latestMetadata(asset.nft)
    const asked = await callsOf(() => Promise.all([1, 2, 3].map(() => client.latestMetadata(asset.nft))))
    expect(asked.filter((method) => method !== 'eth_getBlockByNumber')).toEqual([])
  })

  it('behaviour: a new block is seen after a second at the latest, its state included', async () => {
    const client = open({ latestBlockMaxAgeMs: 3_600_000 })
    await actor.setMetadata(asset.nft, first, hashOf(first))
    await expect(client.latestMetadata(asset.nft)).resolves.toMatchObject({ state: 0 })
    await actor.setState(asset.nft, 3)
    await eventually(async () => (await client.latestMetadata(asset.nft))?.state === 3)
  })

  it('behaviour: what was found long ago is found again, and what is newer wins', async () => {
    const client = open()
    await actor.setMetadata(asset.nft, first, hashOf(first))
    await mine(1_000)
    for (let again = 0; again < 3; again++) {
      await mine(1)
      await expect(client.latestMetadata(asset.nft)).resolves.toMatchObject({ hash: hashOf(first) })
    }
    await actor.setMetadata(asset.nft, second, hashOf(second))
    await expect(client.latestMetadata(asset.nft)).resolves.toMatchObject({ hash: hashOf(second) })
    await takeBack()
    await mine(1)
    expect((await client.latestMetadata(asset.nft))?.hash).not.toBe(hashOf(second))
  })
})

describe('what stays true', () => {
  it('behaviour: a datatoken and an NFT that were true for long enough are not asked for again', async () => {
    const client = open({ confirmationsToCache: 2 })
    const both = () => Promise.all([client.isDatatokenOf(asset.nft, asset.datatoken), client.isFactoryNft(asset.nft)])
    expect(await both()).toEqual([true, true])
    expect((await callsOf(both)).filter((method) => method === 'eth_call')).toHaveLength(2)
    await mine(2)
    await eventually(async () => !(await callsOf(both)).includes('eth_call'))
    expect(await both()).toEqual([true, true])
  })

  it('error: a datatoken that the chain took back is none', async () => {
    const client = open()
    const taken = await actor.publish()
    await expect(client.isDatatokenOf(taken.nft, taken.datatoken)).resolves.toBe(true)
    await takeBack()
    await expect(client.isDatatokenOf(taken.nft, taken.datatoken)).resolves.toBe(false)
    await expect(client.isFactoryNft(taken.nft)).resolves.toBe(false)
  })

  it('behaviour: a "no" is asked again every time', async () => {
    const client = open({ confirmationsToCache: 0 })
    const isOne = () => client.isFactoryNft(asset.datatoken)
    await isOne()
    expect(await callsOf(isOne)).toContain('eth_call')
  })
})

describe('the owner of an NFT', () => {
  it('behaviour: is asked for once within one block, and again with the next', async () => {
    const client = open({ latestBlockMaxAgeMs: 0 })
    await expect(client.nftOwner(asset.nft)).resolves.toBe(actor.address)
    expect(await callsOf(() => client.nftOwner(asset.nft.toLowerCase()))).toEqual(['eth_getBlockByNumber'])
    await mine(1)
    expect(await callsOf(() => client.nftOwner(asset.nft))).toContain('eth_call')
  })
})

describe('one moment', () => {
  it('behaviour: has one newest block, whatever is asked, and the next moment another', async () => {
    const client = open({ latestBlockMaxAgeMs: 0 })
    await Promise.all([client.latestMetadata(asset.nft), client.nftOwner(asset.nft)])
    const moment = client.atOneMoment()
    const all = () => Promise.all([moment.latestMetadata(asset.nft), moment.nftOwner(asset.nft)])
    expect(await callsOf(async () => [await all(), await all()])).toEqual(['eth_getBlockByNumber'])
    await actor.setMetadata(asset.nft, second, hashOf(second))
    expect((await moment.latestMetadata(asset.nft))?.hash).not.toBe(hashOf(second))
    expect((await client.atOneMoment().latestMetadata(asset.nft))?.hash).toBe(hashOf(second))
  })
})

describe('the list of NFTs', () => {
  const addresses = async (client: ChainClient, fromBlock?: number) =>
    (await client.listNfts(fromBlock === undefined ? {} : { fromBlock })).map((nft) => nft.address)

  it('behaviour: a DID leads to its NFT, also one that is made later', async () => {
    const client = open()
    const didOf = (nft: string) => computeDid(nft, chain.addresses.chainId)
    await expect(client.findNft(didOf(asset.nft))).resolves.toBe(asset.nft)
    await expect(client.findNft(didOf(asset.datatoken))).resolves.toBeNull()
    const made = await actor.publish()
    await expect(client.findNft(didOf(made.nft))).resolves.toBe(made.nft)
    expect(await client.listNfts()).toContainEqual({
      address: made.nft,
      did: didOf(made.nft),
      blockNumber: expect.any(Number),
    })
  })

  it('behaviour: the list is in order, each NFT once, and can begin later', async () => {
    const client = open()
    const made = [await actor.publish(), await actor.publish(), await actor.publish()].map(({ nft }) => nft)
    const [, , one, two] = await Promise.all([1, 2, 3, 4].map(() => addresses(client)))
    expect(one).toEqual(two)
    expect(new Set(one).size).toBe(one?.length)
    expect(one?.slice(-3)).toEqual(made)
    await mine(1_000)
    await actor.publish()
    expect((await addresses(client)).slice(0, -1)).toEqual(one)
    const from = (await client.listNfts()).at(-2)?.blockNumber
    expect((await addresses(client, from)).slice(0, 1)).toEqual(made.slice(-1))
  })

  it('error: an NFT that the chain took back is not in it', async () => {
    const client = open()
    const taken = await actor.publish()
    expect(await addresses(client)).toContain(taken.nft)
    await takeBack()
    await mine(1)
    expect(await addresses(client)).not.toContain(taken.nft)
    await expect(client.findNft(computeDid(taken.nft, chain.addresses.chainId))).resolves.toBeNull()
  })

  it('behaviour: without a new block nothing is read again', async () => {
    const client = open({ latestBlockMaxAgeMs: 0 })
    await client.listNfts()
    expect(await callsOf(() => client.listNfts())).toEqual(['eth_getBlockByNumber'])
  })

  it('error: without a factory there is no list', async () => {
    await expect(open({ factoryAddress: undefined }).listNfts()).rejects.toThrow(/ERC721Factory is missing/)
  })
})
