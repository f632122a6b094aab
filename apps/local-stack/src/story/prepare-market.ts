import { DEV_CHAIN_ID } from '@c2d/dev-servers'
import type { Signer } from 'ethers-v5'
import type { DemonstrationAlgorithm } from '../algorithms.ts'
import type { DemonstrationDataset } from '../dataset.ts'
import type { Stack } from '../stack/start-stack.ts'
import type { OceanClient } from './ocean-js.ts'
import type { Story } from './print.ts'
import { createPublisher, type PublishedAsset, type Publisher } from './publish-assets.ts'
import { createSigner, mintTokens } from './signers.ts'

const CONSUMER_OCEAN = 1_000n
const WEI_PER_OCEAN = 10n ** 18n

/** The system that is shown: all that a publisher and a consumer know of it. */
export type DemonstrationPlace = Pick<Stack, 'addresses' | 'addressFile' | 'accounts'> & {
  readonly urls: Omit<Stack['urls'], 'operatorService' | 'operatorEngine'>
  readonly files: Pick<Stack['files'], 'urlOf'>
}

/** What is on offer. */
export interface MarketOptions {
  readonly dataset: DemonstrationDataset
  /** All that are published and trusted by the dataset. */
  readonly algorithms: readonly [DemonstrationAlgorithm, ...DemonstrationAlgorithm[]]
  /** How many datatokens of each asset the consumer gets: as many orders. */
  readonly datatokens: number
}

/** A published algorithm, and the file it is. */
export interface AlgorithmOffer {
  readonly asset: PublishedAsset
  readonly algorithm: DemonstrationAlgorithm
}

/** A publisher, a consumer with tokens, and what the one offers the other. */
export interface Market {
  readonly publisher: Publisher
  readonly owner: Signer
  readonly consumer: Signer
  readonly dataset: PublishedAsset
  /** In the order they were named. */
  readonly algorithms: readonly [AlgorithmOffer, ...AlgorithmOffer[]]
}

/** Publishes a dataset and the algorithms it trusts, and gives the consumer tokens, telling each step. */
export async function prepareMarket(
  { dataset, algorithms, datatokens }: MarketOptions,
  deps: { readonly stack: DemonstrationPlace; readonly client: OceanClient; readonly story: Story },
): Promise<Market> {
  const { client, stack, story } = deps
  const chain = { rpcUrl: stack.urls.chain, chainId: DEV_CHAIN_ID }
  const owner = createSigner(stack.accounts.publisher, chain)
  const publisher = createPublisher(
    {
      chainId: DEV_CHAIN_ID,
      providerUrl: stack.urls.provider,
      metadataCacheUrl: stack.urls.metadataCache,
      factoryAddress: stack.addresses.ERC721Factory,
      signer: owner,
    },
    { client },
  )
  const publishedDataset = await story.step('dataset', async () => ({
    value: await publisher.publishDataset(dataset, stack.files.urlOf(dataset.fileName)),
    detail: `${dataset.title}\n${dataset.packageName}, licence ${dataset.licence}`,
  }))
  const publish = async (algorithm: DemonstrationAlgorithm): Promise<AlgorithmOffer> => {
    const asset = await story.step(`algorithm (${algorithm.name})`, async () => ({
      value: await publisher.publishAlgorithm(algorithm, stack.files.urlOf(algorithm.fileName)),
      detail: `${algorithm.title}\napps/local-stack/algorithms/${algorithm.fileName}`,
    }))
    return { asset, algorithm }
  }
  const [first, ...others] = algorithms
  const published: [AlgorithmOffer, ...AlgorithmOffer[]] = [await publish(first)]
  for (const algorithm of others) published.push(await publish(algorithm))
  await story.step('trusted algorithms', async () => {
    await publisher.trustAlgorithms(publishedDataset, published)
    return { value: undefined, detail: 'only these may run on the dataset, down to their bytes' }
  })
  await story.step('tokens for the consumer', async () => {
    const { address } = stack.accounts.consumer
    await mintTokens(stack.addresses.Ocean, owner, address, String(CONSUMER_OCEAN * WEI_PER_OCEAN))
    for (const asset of [publishedDataset, ...published.map(({ asset }) => asset)]) {
      await publisher.giveDatatokens(asset, address, String(datatokens))
    }
    return { value: undefined, detail: `${CONSUMER_OCEAN} OCEAN, ${datatokens} datatokens of each asset` }
  })
  const consumer = createSigner(stack.accounts.consumer, chain)
  return { publisher, owner, consumer, dataset: publishedDataset, algorithms: published }
}
