import { sha256Hex } from '@c2d/chain'
import { ASSET_STATE, containerChecksumText, type ComputeOptions } from '@c2d/contracts'
import type { Signer } from 'ethers-v5'
import type { DemonstrationAlgorithm } from '../algorithms.ts'
import type { DemonstrationDataset } from '../dataset.ts'
import type { OceanClient, OceanTransaction } from './ocean-js.ts'

const ZERO_ADDRESS = '0x0000000000000000000000000000000000000000'
const ENCRYPTED = '0x02'
const ORDER_TIMEOUT_SECONDS = 3_600
const INDEXER_INTERVAL_MS = 200

/** An asset as the story needs it. */
export interface PublishedAsset {
  readonly did: string
  readonly nftAddress: string
  readonly datatokenAddress: string
  readonly serviceId: string
}

/** Who publishes, by which provider and cache. */
export interface PublisherOptions {
  readonly chainId: number
  readonly providerUrl: string
  readonly metadataCacheUrl: string
  readonly factoryAddress: string
  readonly signer: Signer
}

/** Publishes assets as any publisher would: with ocean.js. */
export interface Publisher {
  /** Publishes a dataset for compute. It trusts nobody yet. */
  publishDataset(dataset: DemonstrationDataset, fileUrl: string): Promise<PublishedAsset>
  publishAlgorithm(algorithm: DemonstrationAlgorithm, fileUrl: string): Promise<PublishedAsset>
  /** Publishes the dataset's document anew: these algorithms, down to their bytes, may run on it, and no others. */
  trustAlgorithms(
    dataset: PublishedAsset,
    algorithms: readonly { readonly asset: PublishedAsset; readonly algorithm: DemonstrationAlgorithm }[],
  ): Promise<void>
  /** Hands datatokens to a consumer. */
  giveDatatokens(asset: PublishedAsset, consumer: string, amount: string): Promise<void>
}

interface AssetDescription {
  readonly symbol: string
  readonly fileUrl: string
  readonly metadata: { readonly type: 'dataset' | 'algorithm'; readonly name: string } & Record<string, unknown>
  readonly service: { readonly type: 'compute' | 'access'; readonly compute?: ComputeOptions }
}

/** Creates a publisher. Its methods throw where the chain, the provider or the cache refuses. */
export function createPublisher(options: PublisherOptions, deps: { readonly client: OceanClient }): Publisher {
  const { chainId, providerUrl, signer } = options
  const { ocean } = deps.client
  const aquarius = new ocean.Aquarius(options.metadataCacheUrl)
  const documents = new Map<string, { readonly services: readonly { compute?: ComputeOptions }[] } & object>()

  const mined = async (what: string, sending: Promise<OceanTransaction | null>) => {
    const transaction = await sending
    if (!transaction) throw new Error(`${what} failed: ${deps.client.lastWords()}`)
    return transaction.wait()
  }

  const publishDocument = async (asset: PublishedAsset, document: object): Promise<void> => {
    const validation = await aquarius.validate(document)
    if (!validation.valid || !validation.hash) {
      throw new Error(`the metadata cache finds the document invalid: ${JSON.stringify(validation.errors)}`)
    }
    const encrypted = await ocean.ProviderInstance.encrypt(document, chainId, providerUrl)
    const receipt = await mined(
      'publishing the document',
      new ocean.Nft(signer, chainId).setMetadata(
        asset.nftAddress,
        await signer.getAddress(),
        ASSET_STATE.active,
        providerUrl,
        '',
        ENCRYPTED,
        encrypted,
        validation.hash,
        validation.proof ? [validation.proof] : [],
      ),
    )
    const indexed = await aquarius.waitForIndexer(asset.did, receipt.transactionHash, undefined, INDEXER_INTERVAL_MS)
    if (!indexed) throw new Error(`the metadata cache did not index ${asset.did}`)
  }

  const createTokens = async (name: string, symbol: string): Promise<PublishedAsset> => {
    const address = await signer.getAddress()
    const factory = new ocean.NftFactory(options.factoryAddress, signer, chainId)
    const receipt = await mined(
      `creating the tokens of '${name}'`,
      factory.createNftWithDatatoken(
        { name, symbol, templateIndex: 1, tokenURI: '', transferable: true, owner: address },
        {
          templateIndex: 1,
          name: `Access to ${name}`,
          symbol: `${symbol}-1`,
          cap: '1000',
          feeAmount: '0',
          paymentCollector: ZERO_ADDRESS,
          feeToken: ZERO_ADDRESS,
          minter: address,
          mpFeeAddress: ZERO_ADDRESS,
        },
      ),
    )
    const nftAddress = ocean.getEventFromTx(receipt, 'NFTCreated')?.args.newTokenAddress
    const datatokenAddress = ocean.getEventFromTx(receipt, 'TokenCreated')?.args.newTokenAddress
    if (!nftAddress || !datatokenAddress) throw new Error(`the factory did not create the tokens of '${name}'`)
    return {
      did: ocean.generateDid(nftAddress, chainId),
      nftAddress,
      datatokenAddress,
      serviceId: symbol.toLowerCase(),
    }
  }

  const publish = async (description: AssetDescription): Promise<PublishedAsset> => {
    const { metadata, service, symbol } = description
    const asset = await createTokens(metadata.name, symbol)
    const { nftAddress, datatokenAddress } = asset
    const files = { datatokenAddress, nftAddress, files: [{ type: 'url', url: description.fileUrl, method: 'GET' }] }
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const document = {
      '@context': ['https://w3id.org/did/v1'],
      id: asset.did,
      version: '4.1.0',
      chainId,
      nftAddress,
      metadata: { created: now, updated: now, ...metadata },
      services: [
        {
          id: asset.serviceId,
          ...service,
          files: await ocean.ProviderInstance.encrypt(files, chainId, providerUrl),
          datatokenAddress,
          serviceEndpoint: providerUrl,
          timeout: ORDER_TIMEOUT_SECONDS,
        },
      ],
    }
    await publishDocument(asset, document)
    documents.set(asset.did, document)
    return asset
  }

  const fileChecksums = async (asset: PublishedAsset): Promise<string> => {
    const files = await ocean.ProviderInstance.checkDidFiles(asset.did, asset.serviceId, providerUrl, true)
    const checksums = files.map(({ checksum }) => checksum)
    if (checksums.length === 0 || checksums.includes(undefined)) {
      throw new Error(`the provider gives no checksums for the files of ${asset.did}`)
    }
    return checksums.join('')
  }

  return {
    publishDataset: (dataset, fileUrl) =>
      publish({
        symbol: 'WAGES',
        fileUrl,
        metadata: {
          type: 'dataset',
          name: dataset.title,
          description: dataset.description,
          author: dataset.packageName,
          license: dataset.licence,
        },
        service: {
          type: 'compute',
          compute: {
            allowRawAlgorithm: false,
            allowNetworkAccess: false,
            publisherTrustedAlgorithms: [],
            publisherTrustedAlgorithmPublishers: [],
          },
        },
      }),
    publishAlgorithm: ({ name, title, container }, fileUrl) =>
      publish({
        symbol: name.toUpperCase(),
        fileUrl,
        metadata: {
          type: 'algorithm',
          name: title,
          description: title,
          author: 'Compute-to-Data',
          license: 'Apache-2.0',
          algorithm: { language: name, version: '1.0.0', container },
        },
        service: { type: 'access' },
      }),
    trustAlgorithms: async (dataset, algorithms) => {
      const document = documents.get(dataset.did)
      if (!document) throw new Error(`${dataset.did} was not published here`)
      const publisherTrustedAlgorithms = await Promise.all(
        algorithms.map(async ({ asset, algorithm }) => ({
          did: asset.did,
          filesChecksum: await fileChecksums(asset),
          containerSectionChecksum: sha256Hex(containerChecksumText(algorithm.container)),
        })),
      )
      const services = document.services.map((service) => ({
        ...service,
        compute: { ...service.compute, publisherTrustedAlgorithms },
      }))
      await publishDocument(dataset, { ...document, services })
    },
    giveDatatokens: async (asset, consumer, amount) => {
      const datatoken = new ocean.Datatoken(signer, chainId)
      const address = await signer.getAddress()
      await mined('minting datatokens', datatoken.mint(asset.datatokenAddress, address, amount, consumer))
    },
  }
}
