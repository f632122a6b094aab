import type { ComputeDataset } from '@c2d/contracts'
import { refusePublishedAlgorithm, refuseRawAlgorithm, type TrustLists } from './algorithm-policy.ts'
import { whyNotConsumable } from './consumable.ts'
import type { PreparedAlgorithm } from './prepare-algorithm.ts'
import { refuse, type Refused } from './refusal.ts'
import { findService, type AssetService, type ResolveAsset } from './resolve-asset.ts'
import { decryptServiceFiles } from './service-files.ts'

/** One dataset of a compute request, and what it is judged with. */
export interface DatasetQuestion {
  dataset: ComputeDataset
  /** Position among the datasets; 0 is the main one. */
  index: number
  /** Whether the request must bring an order; quotes are asked for before there is one. */
  needsOrder: boolean
  algorithm: PreparedAlgorithm
  consumerAddress: string
}

/** The name of a dataset in refusals: `dataset`, then `datasets[i]` (provider-http-api §8.3). */
export function datasetResource(index: number): string {
  return index === 0 ? 'dataset' : `datasets[${index}]`
}

/** Rows 3a–3k of provider-http-api §8.3: everything about a dataset but its order. */
export async function checkDataset(
  question: DatasetQuestion,
  deps: { resolveAsset: ResolveAsset; trustLists: TrustLists },
): Promise<AssetService | Refused> {
  const { dataset, algorithm, index } = question
  const resource = datasetResource(index)
  if (!dataset.documentId) return refuse(`${resource}.documentId`, 'missing')
  if (question.needsOrder && !dataset.transferTxId) return refuse(`${resource}.transferTxId`, 'missing')
  if (!dataset.serviceId) return refuse(`${resource}.serviceId`, 'missing')
  const asset = await deps.resolveAsset(dataset.documentId)
  if (!asset) return refuse(`${resource}.documentId`, 'did_not_found')
  // An algorithm bought for running would otherwise be handed to other people's code (DESIGN §4.2).
  if (asset.ddo.metadata.type === 'algorithm') return refuse(resource, 'not_dataset')
  const target = findService(asset, dataset.serviceId)
  if (!target) return refuse(`${resource}.serviceId`, 'not_found')
  const denied = whyNotConsumable(asset, question.consumerAddress)
  if (denied) return refuse(resource, denied)

  const { service } = target
  if (service.type !== 'access' && service.type !== 'compute')
    return refuse(`${resource}.serviceId`, 'service_not_access_compute')
  if (index === 0 && service.type !== 'compute') return refuse(`${resource}.serviceId`, 'main_service_compute')
  if (service.type === 'access') return target
  if (!decryptServiceFiles(target)) return refuse(`${resource}.serviceId`, 'compute_services_not_in_same_provider')
  const options = service.compute ?? {}
  const refusal =
    algorithm.kind === 'raw'
      ? refuseRawAlgorithm(options)
      : refusePublishedAlgorithm(options, algorithm.policyView, deps.trustLists)
  return refusal ? refuse(resource, refusal) : target
}
