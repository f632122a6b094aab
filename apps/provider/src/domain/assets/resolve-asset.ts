import { computeDid, type OnChainMetadata } from '@c2d/chain'
import { didSchema, type Ddo, type Service } from '@c2d/contracts'
import type { Logger } from '@c2d/runtime'
import type { MetadataCache } from '../../clients/metadata-cache.ts'
import { isPublishedDocument, parseDdo, stripCacheMembers } from './asset-document.ts'
import { openMetadataBytes } from './metadata-bytes.ts'
import type { ProviderChain, ProviderChains } from '../chains/provider-chain.ts'

/** An asset whose document is proven to be the one its publisher put on chain. */
export interface Asset {
  readonly ddo: Ddo
  readonly chain: ProviderChain
  /** The NFT's present metadata state (`ASSET_STATE`). */
  readonly state: number
}

/** One service of an asset; its position is the order events' `serviceIndex`. */
export interface AssetService {
  readonly asset: Asset
  readonly service: Service
  readonly serviceIndex: number
}

/** Finds published assets by DID. */
export type ResolveAsset = (did: string) => Promise<Asset | null>

/**
 * Documents come from the metadata cache where there is one, else from the chain's own event; either way they count
 * only if the chain vouches for every byte, so a cache cannot rewrite a policy (DESIGN §4.4).
 */
export function createAssetResolver(deps: {
  chains: ProviderChains
  cache: MetadataCache | null
  log: Logger
}): ResolveAsset {
  async function locate(did: string, hint: Ddo | null): Promise<{ chain: ProviderChain; nft: string } | null> {
    if (hint) {
      const chain = deps.chains.get(hint.chainId)
      const fits = chain && computeDid(hint.nftAddress, hint.chainId) === did
      if (fits && (await chain.client.isFactoryNft(hint.nftAddress))) return { chain, nft: hint.nftAddress }
    }
    for (const chain of deps.chains.values()) {
      const nft = await chain.client.findNft(did)
      if (nft) return { chain, nft }
    }
    return null
  }

  return async function resolveAsset(did) {
    if (!didSchema.safeParse(did).success) return null
    const cached = (await deps.cache?.loadDocument(did)) ?? null
    const cachedDocument = cached === null ? null : stripCacheMembers(cached)
    const place = await locate(did, cachedDocument === null ? null : parseDdo(cachedDocument))
    if (!place) return null
    const { chain, nft } = place
    const latest = await chain.client.latestMetadata(nft)
    if (!latest) return null

    const document = await chooseDocument(cachedDocument, latest, chain.privateKey)
    if (cachedDocument !== null && document !== cachedDocument) {
      deps.log.warn({ did, nft }, 'the cached document is not the published one and is ignored')
    }
    const ddo = document === null ? null : parseDdo(document)
    return ddo && isSelfConsistent(ddo, did, nft, chain.chainId) ? { ddo, chain, state: latest.state } : null
  }
}

/** Picks the service of an asset by its exact id. */
export function findService(asset: Asset, serviceId: string): AssetService | null {
  const serviceIndex = asset.ddo.services.findIndex((service) => service.id === serviceId)
  const service = asset.ddo.services[serviceIndex]
  return service ? { asset, service, serviceIndex } : null
}

async function chooseDocument(cached: string | null, latest: OnChainMetadata, key: string): Promise<string | null> {
  if (cached !== null && isPublishedDocument(cached, latest.hash)) return cached
  const opened = await openMetadataBytes(latest.data, latest.flags, key)
  if ('failed' in opened || !isPublishedDocument(opened.document, latest.hash)) return null
  return new TextDecoder().decode(opened.document)
}

// A publisher may write anything into a document; what names another asset than the one asked for is none.
function isSelfConsistent(ddo: Ddo, did: string, nft: string, chainId: number): boolean {
  return (
    ddo.id.toLowerCase() === did.toLowerCase() &&
    ddo.chainId === chainId &&
    ddo.nftAddress.toLowerCase() === nft.toLowerCase()
  )
}
