import { computeDid, eciesEncrypt, sha256Hex } from '@c2d/chain'
import type { FileObject } from '@c2d/contracts'
import type { OceanActor } from '@c2d/testing'

/** An asset on chain, with one service. */
export interface PublishedAsset {
  did: string
  datatoken: string
  serviceId: string
}

const SERVICE_ID = 'service'

/**
 * Publishes a dataset of a compute service, or an algorithm where a container is given: files and document encrypted to
 * the provider, the document and its hash on chain alone. The consumer gets datatokens for it.
 */
export async function publishAsset(
  asset: { files: readonly FileObject[]; container?: object },
  deps: { publisher: OceanActor; consumer: OceanActor; providerKey: string; providerUrl: string },
): Promise<PublishedAsset> {
  const { publisher, consumer, providerKey, providerUrl } = deps
  const { nft, datatoken } = await publisher.publish()
  await publisher.mintDatatoken(datatoken, consumer.address)
  const did = computeDid(nft, 8996)
  const bound = JSON.stringify({ datatokenAddress: datatoken, nftAddress: nft, files: asset.files })
  const metadata = asset.container
    ? { type: 'algorithm', name: 'A copy', algorithm: { container: asset.container } }
    : { type: 'dataset', name: 'Files of every type' }
  const service = asset.container
    ? { type: 'access' }
    : { type: 'compute', compute: { publisherTrustedAlgorithms: ['*'] } }
  const text = JSON.stringify({
    '@context': ['https://w3id.org/did/v1'],
    id: did,
    version: '4.1.0',
    chainId: 8996,
    nftAddress: nft,
    metadata,
    services: [
      {
        ...service,
        id: SERVICE_ID,
        datatokenAddress: datatoken,
        serviceEndpoint: providerUrl,
        files: `0x${Buffer.from(eciesEncrypt(providerKey, Buffer.from(bound))).toString('hex')}`,
        timeout: 0,
      },
    ],
  })
  await publisher.setMetadata(nft, eciesEncrypt(providerKey, Buffer.from(text)), `0x${sha256Hex(text)}`)
  return { did, datatoken, serviceId: SERVICE_ID }
}
