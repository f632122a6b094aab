import { computeDid, eciesEncrypt, sha256Hex } from '@c2d/chain'
import type { ComputeOptions } from '@c2d/contracts'
import { DEV_CHAIN_ID } from '@c2d/dev-servers'
import type { ChainActor } from './chain-actor.ts'

const CONTAINER = { entrypoint: 'node $ALGO', image: 'node', tag: '20', checksum: `sha256:${'8'.repeat(64)}` }
const TIMEOUT_SECONDS = 86_400

/** An asset on chain and in the cache. */
export interface PublishedAsset {
  did: string
  datatoken: string
  serviceId: string
}

/**
 * Publishes an asset with one file and one service, encrypted to the provider, and gives the consumer datatokens.
 * A dataset for compute has `compute`; everything else is an access service.
 */
export async function publishAsset(
  choices: { type: 'dataset' | 'algorithm'; fileUrl: string; compute?: ComputeOptions },
  deps: {
    publisher: ChainActor
    consumer: string
    providerKey: string
    /** Gives the document to the cache. */
    cache: (did: string, document: unknown) => Promise<void>
  },
): Promise<PublishedAsset> {
  const { publisher, providerKey } = deps
  const { nft, datatoken } = await publisher.createTokens()
  await publisher.mint(datatoken, deps.consumer, 10n ** 20n)
  const did = computeDid(nft, DEV_CHAIN_ID)
  const encrypt = (text: string): Uint8Array => eciesEncrypt(providerKey, Buffer.from(text))
  const files = [{ type: 'url', url: choices.fileUrl, method: 'GET' }]
  const sealed = encrypt(JSON.stringify({ datatokenAddress: datatoken, nftAddress: nft, files }))
  const serviceId = 'a-service'
  const document = {
    '@context': ['https://w3id.org/did/v1'],
    id: did,
    version: '4.1.0',
    chainId: DEV_CHAIN_ID,
    nftAddress: nft,
    metadata: {
      type: choices.type,
      name: 'an asset to measure with',
      ...(choices.type === 'algorithm' && { algorithm: { container: CONTAINER } }),
    },
    services: [
      {
        id: serviceId,
        type: choices.compute ? 'compute' : 'access',
        datatokenAddress: datatoken,
        serviceEndpoint: 'http://provider.bench',
        files: `0x${Buffer.from(sealed).toString('hex')}`,
        timeout: TIMEOUT_SECONDS,
        ...(choices.compute && { compute: choices.compute }),
      },
    ],
  }
  const text = JSON.stringify(document)
  await publisher.setMetadata(nft, { data: encrypt(text), hash: `0x${sha256Hex(text)}` })
  await deps.cache(did, document)
  return { did, datatoken, serviceId }
}
