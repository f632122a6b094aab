import { computeDid, eciesEncrypt, sha256Hex } from '@c2d/chain'
import type { ComputeOptions } from '@c2d/contracts'
import type { ChainActor } from './chain-actor.ts'
import type { MetadataCacheStub } from './metadata-cache-stub.ts'

/** An asset on chain and in the cache. */
export interface PublishedAsset {
  did: string
  nft: string
  datatoken: string
  serviceId: string
  /** The document as published. */
  document: Record<string, unknown>
  metadataTransaction: string
}

/** What differs between the assets of a test. */
export interface AssetChoices {
  type?: 'dataset' | 'algorithm'
  /** Of its datatoken: 1 is the plain one, 2 Enterprise. */
  template?: 1 | 2
  /** `access`, `compute`, or one that nobody knows. */
  serviceType?: string
  files: unknown[]
  /** What is encrypted in place of the files, for the service's datatoken and NFT. */
  fileList?: (datatoken: string, nft: string) => unknown
  /** The document's version; 4.1.0, unless said. */
  version?: string
  /** More services of the same datatoken, each an access to a file of its own. */
  accesses?: { id: string; file: unknown; serviceEndpoint?: string }[]
  compute?: ComputeOptions
  container?: Record<string, unknown>
  credentials?: unknown
  timeout?: number
  /** Where the service says it lives, and whose key its files are encrypted to; ours, unless said. */
  serviceEndpoint?: string
  filesKey?: string
  /** What the service and the algorithm ask of consumers. */
  consumerParameters?: unknown
  algorithmParameters?: unknown
}

/** A container as algorithms name it. */
export const CONTAINER = { entrypoint: 'node $ALGO', image: 'node', tag: '20', checksum: `sha256:${'8'.repeat(64)}` }

/**
 * Publishes an asset as ocean.js does: files and document encrypted to the provider, the document's hash on chain, and
 * a cache that knows it with additions of its own.
 */
export async function publishAsset(
  choices: AssetChoices,
  deps: { publisher: ChainActor; consumer: ChainActor; providerKey: string; cache: MetadataCacheStub },
): Promise<PublishedAsset> {
  const { publisher, consumer, providerKey, cache } = deps
  const { nft, datatoken } = await publisher.createNft(choices.template)
  await publisher.mint(datatoken, consumer.address, 10n ** 20n)
  const did = computeDid(nft, 8996)
  const bind = (files: unknown[]): unknown => ({ datatokenAddress: datatoken, nftAddress: nft, files })
  const encrypt = (list: unknown): string => {
    const encrypted = eciesEncrypt(choices.filesKey ?? providerKey, Buffer.from(JSON.stringify(list)))
    return `0x${Buffer.from(encrypted).toString('hex')}`
  }
  const serviceId = 'a-service'
  const document = {
    '@context': ['https://w3id.org/did/v1'],
    id: did,
    version: choices.version ?? '4.1.0',
    chainId: 8996,
    nftAddress: nft,
    metadata: {
      type: choices.type ?? 'dataset',
      name: 'Zähl-Prüfung', // not ASCII: hashes are over UTF-8
      ...(choices.type === 'algorithm'
        ? { algorithm: { container: choices.container ?? CONTAINER, consumerParameters: choices.algorithmParameters } }
        : {}),
    },
    services: [
      {
        id: serviceId,
        type: choices.serviceType ?? 'compute',
        datatokenAddress: datatoken,
        serviceEndpoint: choices.serviceEndpoint ?? 'http://172.15.0.4:8030',
        files: encrypt(choices.fileList?.(datatoken, nft) ?? bind(choices.files)),
        timeout: choices.timeout ?? 3600,
        ...(choices.compute ? { compute: choices.compute } : {}),
        ...(choices.consumerParameters ? { consumerParameters: choices.consumerParameters } : {}),
      },
      ...(choices.accesses ?? []).map(({ id, file, serviceEndpoint }) => ({
        id,
        type: 'access',
        datatokenAddress: datatoken,
        serviceEndpoint: serviceEndpoint ?? 'http://172.15.0.4:8030',
        files: encrypt(bind([file])),
        timeout: 3600,
      })),
    ],
    ...(choices.credentials ? { credentials: choices.credentials } : {}),
  }
  const text = JSON.stringify(document)
  const metadataTransaction = await publisher.setMetadata(nft, {
    flags: 2,
    data: eciesEncrypt(providerKey, Buffer.from(text)),
    hash: `0x${sha256Hex(text)}`,
  })
  cache.put(did, { ...document, nft: { address: nft, state: 0 }, datatokens: [], event: { tx: '0x' }, stats: {} })
  return { did, nft, datatoken, serviceId, document, metadataTransaction }
}

/** Publishes an asset anew with another compute section, on chain and in the cache. */
export async function republishAsset(
  asset: PublishedAsset,
  compute: ComputeOptions,
  deps: { publisher: ChainActor; providerKey: string; cache: MetadataCacheStub },
): Promise<void> {
  const services = asset.document['services'] as object[]
  const document = { ...asset.document, services: services.map((service) => ({ ...service, compute })) }
  const text = JSON.stringify(document)
  await deps.publisher.setMetadata(asset.nft, {
    flags: 2,
    data: eciesEncrypt(deps.providerKey, Buffer.from(text)),
    hash: `0x${sha256Hex(text)}`,
  })
  deps.cache.put(asset.did, document)
}
