import { jest } from '@jest/globals'
import type { ComputeOptions } from '@c2d/contracts'
import { createOceanConsumer, ocean, type OceanConsumer } from './ocean-js.ts'
import type { PublishedAsset } from './publish-asset.ts'
import { startStack, type Stack } from './stack.ts'

/** The content of both datasets. */
export const CSV = 'a,b\n1,2\n'

/** The provider as ocean.js knows it. */
export const client = ocean.ProviderInstance

/** An asset as ocean.js names it. */
export const named = (asset: PublishedAsset, transferTxId?: string) => ({
  documentId: asset.did,
  serviceId: asset.serviceId,
  ...(transferTxId === undefined ? {} : { transferTxId }),
})

/** Epoch seconds of a moment to come. */
export const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

type OceanEnvironment = Awaited<ReturnType<typeof client.getComputeEnvironments>>[string][number]

/** A stack with two datasets and an algorithm, and a consumer who does everything with ocean.js. */
export interface OceanStack extends Stack {
  buyer: OceanConsumer
  dataset: PublishedAsset
  extra: PublishedAsset
  algorithm: PublishedAsset
  environments: readonly OceanEnvironment[]
  environment(kind: 'free' | 'paid'): OceanEnvironment
}

/** Starts one; what the library writes to the console is dropped. */
export async function startOceanStack(): Promise<OceanStack> {
  jest.spyOn(console, 'log').mockReturnValue() // the library tells every nonce
  jest.spyOn(console, 'error').mockReturnValue() // and every answer it does not like
  const stack = await startStack()
  const buyer = createOceanConsumer(stack.chain.rpcUrl, stack.consumer)
  await stack.publisher.mint(stack.chain.addresses.Ocean, buyer.address, 10n ** 21n)
  const algorithm = await stack.publish({
    type: 'algorithm',
    serviceType: 'access',
    files: [stack.origin.offer('/algo.js', 'print(1)', 'text/javascript')],
  })
  const compute: ComputeOptions = { allowRawAlgorithm: true, publisherTrustedAlgorithms: ['*'] }
  const dataset = await stack.publish({ files: [stack.origin.offer('/data.csv', CSV, 'text/csv')], compute })
  const extra = await stack.publish({ files: [stack.origin.offer('/more.csv', CSV, 'text/csv')], compute })
  const environments = (await client.getComputeEnvironments(stack.url))['8996'] ?? []
  return {
    ...stack,
    buyer,
    dataset,
    extra,
    algorithm,
    environments,
    environment(kind) {
      // The strict comparison of the library's own tests: prices are numbers.
      const found = environments.find(({ priceMin }) => (kind === 'free' ? priceMin === 0 : priceMin !== 0))
      if (!found) throw new Error(`no ${kind} environment`)
      return found
    },
  }
}
