import { addressOf, computeDid, eciesEncrypt, sha256Hex, type ChainClient, type OnChainMetadata } from '@c2d/chain'
import { silentLogger } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import type { ProviderChain } from '../chains/provider-chain.ts'
import { createAssetResolver } from './resolve-asset.ts'

const KEY = `0x${'01'.repeat(32)}`
const NFT = '0x7358776DACe83a4b48E698645F32B043481daCBA'
const DID = computeDid(NFT, 8996)

function buildDocument(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({
    id: DID,
    chainId: 8996,
    nftAddress: NFT,
    metadata: { type: 'dataset' },
    services: [
      { id: 's', type: 'compute', datatokenAddress: NFT, serviceEndpoint: 'x', files: '0x', timeout: 0, compute: {} },
    ],
    ...changes,
  })
}

interface World {
  /** What the NFT published last; default: the document, encrypted. */
  published?: Partial<OnChainMetadata> | null
  document?: string
  cached?: string | null
  isFactoryNft?: boolean
  isKnownToFactory?: boolean
}

/** Resolves the DID in a world with one chain. */
function resolve(world: World = {}, did = DID) {
  const document = world.document ?? buildDocument()
  const latest: OnChainMetadata = {
    hash: `0x${sha256Hex(document)}`,
    flags: 2,
    data: eciesEncrypt(KEY, Buffer.from(document)),
    decryptorUrl: '',
    state: 0,
    transactionHash: '0x',
    blockNumber: 1,
    ...world.published,
  }
  const client: Partial<ChainClient> = {
    isFactoryNft: () => Promise.resolve(world.isFactoryNft ?? true),
    latestMetadata: () => Promise.resolve(world.published === null ? null : latest),
    findNft: () => Promise.resolve((world.isKnownToFactory ?? false) ? NFT : null),
  }
  const chain: ProviderChain = {
    chainId: 8996,
    network: 'Ganache',
    factoryAddress: NFT,
    feeToken: NFT,
    address: addressOf(KEY),
    privateKey: KEY,
    client: client as ChainClient,
    hasCode: () => Promise.resolve(false),
  }
  const cached = world.cached === undefined ? document : world.cached
  const cache = { loadDocument: () => Promise.resolve(cached) }
  return createAssetResolver({ chains: new Map([[8996, chain]]), cache, log: silentLogger })(did)
}

describe('resolving an asset', () => {
  it.each<[string, World]>([
    [
      'from the cache, whatever the cache added',
      { cached: JSON.stringify({ nft: {}, ...(JSON.parse(buildDocument()) as object), stats: 1 }) },
    ],
    ['from the chain, where the cache has none', { cached: null, isKnownToFactory: true }],
    ['from the chain, where the cache changed it', { cached: buildDocument({ metadata: { type: 'algorithm' } }) }],
    [
      'from the chain, where it is not encrypted',
      { cached: null, isKnownToFactory: true, published: { flags: 0, data: Buffer.from(buildDocument()) } },
    ],
  ])('takes it %s', async (_title, world) => {
    expect((await resolve(world))?.ddo.metadata.type).toBe('dataset')
  })

  it('tells the state the NFT is in now', async () => {
    expect((await resolve({ published: { state: 3 } }))?.state).toBe(3)
  })

  it.each<[string, World]>([
    ['of an NFT that the factory did not make', { isFactoryNft: false }],
    ['that was never published', { published: null }],
    ['that nobody has a document of', { cached: null }],
    ['whose cached and published bytes both miss the hash', { published: { hash: `0x${'0'.repeat(64)}` } }],
    ['that says it is compressed, and is not', { cached: null, isKnownToFactory: true, published: { flags: 3 } }],
    [
      'that is encrypted to somebody else',
      { cached: null, isKnownToFactory: true, published: { data: Buffer.from('x') } },
    ],
    ['whose document names another DID', { document: buildDocument({ id: `did:op:${'0'.repeat(64)}` }) }],
    ['whose document names another chain', { document: buildDocument({ chainId: 1 }), isKnownToFactory: true }],
  ])('error: finds none %s', async (_title, world) => {
    expect(await resolve(world)).toBeNull()
  })

  it('error: finds none for a text that is no DID, and asks nobody', async () => {
    expect(await resolve({}, '../../../admin')).toBeNull()
  })
})
