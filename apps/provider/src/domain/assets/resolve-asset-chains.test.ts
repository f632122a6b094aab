import { addressOf, computeDid, eciesEncrypt, sha256Hex, type ChainClient } from '@c2d/chain'
import { silentLogger } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import type { ProviderChain } from '../chains/provider-chain.ts'
import { createAssetResolver } from './resolve-asset.ts'

const NFT = '0x7358776DACe83a4b48E698645F32B043481daCBA'
const KEYS: Record<number, string> = { 1: `0x${'01'.repeat(32)}`, 137: `0x${'02'.repeat(32)}` }

/** An NFT of the same address on either chain is another asset: its DID covers the chain. */
const buildDocument = (chainId: number): string =>
  JSON.stringify({
    id: computeDid(NFT, chainId),
    chainId,
    nftAddress: NFT,
    metadata: { type: 'dataset', name: `of chain ${chainId}` },
    services: [{ id: 's', type: 'access', datatokenAddress: NFT, serviceEndpoint: 'x', files: '0x', timeout: 0 }],
  })

/** A chain where the NFT published the document, encrypted to that chain's own key. */
function buildChain(chainId: number): ProviderChain {
  const key = KEYS[chainId] ?? ''
  const document = buildDocument(chainId)
  const latest = {
    hash: `0x${sha256Hex(document)}`,
    flags: 2,
    data: eciesEncrypt(key, Buffer.from(document)),
    decryptorUrl: '',
    state: 0,
    transactionHash: '0x',
    blockNumber: 1,
  }
  const client: Partial<ChainClient> = {
    isFactoryNft: () => Promise.resolve(true),
    latestMetadata: () => Promise.resolve(latest),
    findNft: (did) => Promise.resolve(did === computeDid(NFT, chainId) ? NFT : null),
  }
  return {
    chainId,
    network: 'Unknown',
    factoryAddress: NFT,
    feeToken: NFT,
    address: addressOf(key),
    privateKey: key,
    client: client as ChainClient,
    hasCode: () => Promise.resolve(false),
  }
}

const chains = new Map([1, 137].map((chainId) => [chainId, buildChain(chainId)]))

describe('several chains at once', () => {
  it.each([1, 137])('finds the asset of chain %d there, with that chain’s key, without a cache', async (chainId) => {
    const resolve = createAssetResolver({ chains, cache: null, log: silentLogger })
    const asset = await resolve(computeDid(NFT, chainId))
    expect(asset?.chain.chainId).toBe(chainId)
    expect(asset?.ddo.metadata.name).toBe(`of chain ${chainId}`)
  })

  it('behaviour: a cache that names another chain is not believed', async () => {
    const cache = { loadDocument: () => Promise.resolve(buildDocument(1)) }
    const asset = await createAssetResolver({ chains, cache, log: silentLogger })(computeDid(NFT, 137))
    expect(asset?.chain.chainId).toBe(137)
  })

  it('error: an asset of a chain that is not served', async () => {
    const resolve = createAssetResolver({ chains, cache: null, log: silentLogger })
    expect(await resolve(computeDid(NFT, 10))).toBeNull()
  })
})
