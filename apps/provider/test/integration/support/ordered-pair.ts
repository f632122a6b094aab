import { sha256Hex } from '@c2d/chain'
import type { ComputeOptions } from '@c2d/contracts'
import { orderRun, type OrderedRun } from './api.ts'
import type { PublishedAsset } from './publish-asset.ts'
import type { Stack } from './stack.ts'

/** The bytes of its algorithm, at `/algo.js` of the origin. */
export const ALGORITHM_CODE = 'console.log("count")'

/** What most tests of starts begin with. */
export interface OrderedPair {
  algorithm: PublishedAsset
  dataset: PublishedAsset
  /** Both ordered for the free environment. */
  run: OrderedRun
}

/**
 * Publishes an algorithm and a dataset, and orders them.
 * @param compute what may run on the dataset; by default this algorithm, down to its bytes
 */
export async function publishOrderedPair(stack: Stack, compute?: ComputeOptions): Promise<OrderedPair> {
  const algorithm = await stack.publish({
    type: 'algorithm',
    serviceType: 'access',
    files: [stack.origin.offer('/algo.js', ALGORITHM_CODE, 'text/javascript')],
  })
  const trusted = [{ did: algorithm.did, filesChecksum: sha256Hex(ALGORITHM_CODE) }]
  const dataset = await stack.publish({
    files: [stack.origin.offer('/data.csv', 'a,b\n1,2\n', 'text/csv')],
    compute: compute ?? { publisherTrustedAlgorithms: trusted },
  })
  return { algorithm, dataset, run: await orderRun(stack, { dataset, algorithm }) }
}
