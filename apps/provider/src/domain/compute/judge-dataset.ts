import type { ComputeDataset } from '@c2d/contracts'
import {
  refusePublishedAlgorithm,
  refuseRawAlgorithm,
  type PolicyRefusal,
  type TrustLists,
} from './algorithm-policy.ts'
import { whyNotConsumable } from '../assets/consumable.ts'
import { fillParameters } from '../assets/consumer-parameters.ts'
import { deny, type Denied, type DocketSection } from './docket.ts'
import { badParameter, type AlgorithmCase } from './judge-algorithm.ts'
import { findService, type AssetService, type ResolveAsset } from '../assets/resolve-asset.ts'
import type { FindHost, ServiceHost } from '../assets/service-host.ts'

/** A dataset as its document describes it, and what was asked of it. */
export interface DatasetCase {
  target: AssetService
  host: ServiceHost
  transferTxId: string | null
  /** The consumer's parameters, defaults filled in. */
  userdata: unknown
  /** How many files another provider serves; absent where we do. */
  foreignFiles?: number
}

/** What a policy's refusals mean, and what to change. */
const POLICY_WORDS: Record<PolicyRefusal, { sentence: string; change?: string }> = {
  no_raw_algo_allowed: {
    sentence: 'The dataset lets no code run on it that is not published.',
    change: 'Publish the algorithm and have it trusted, or ask for allowRawAlgorithm.',
  },
  not_trusted_algo: { sentence: 'The dataset does not trust this algorithm.' },
  not_trusted_algo_publisher: { sentence: 'The dataset does not trust the publisher of this algorithm.' },
  no_publisherTrustedAlgorithms: {
    sentence: 'The list of trusted algorithms has an entry that names none.',
    change: 'Ask the publisher of the dataset to mend publisherTrustedAlgorithms.',
  },
  algorithm_file_checksum_mismatch: { sentence: 'The files of the algorithm are not the ones the dataset trusts.' },
  algorithm_container_checksum_mismatch: {
    sentence: 'The container of the algorithm is not the one the dataset trusts.',
    change: 'Ask the publisher of the dataset to trust the present container of the algorithm.',
  },
}

const UNREADABLE = {
  sentence: 'The files of the dataset are not encrypted to this provider, or not for this asset.',
  change: 'Ask the publisher of the dataset to encrypt its files to this provider and publish it again.',
}

/**
 * What can be said of a dataset without asking anybody: rows 3a–3c of provider-http-api §8.3.
 * @param needsOrder whether an order must be named already
 */
export function judgeDatasetForm(dataset: ComputeDataset, section: DocketSection, needsOrder: boolean): void {
  section.judge('dataset-named', dataset.documentId ? dataset.documentId : deny('missing'))
  if (dataset.transferTxId) section.judge('dataset-order-named', dataset.transferTxId)
  else if (needsOrder) section.judge('dataset-order-named', deny('missing'))
  section.judge('dataset-service-named', dataset.serviceId ? dataset.serviceId : deny('missing'))
}

/**
 * A dataset as its document describes it: rows 3d–3i.
 * @param isMain whether it is the first one
 * @returns null where it has no service to speak of
 */
export async function judgeDataset(
  { dataset, isMain, consumerAddress }: { dataset: ComputeDataset; isMain: boolean; consumerAddress: string },
  section: DocketSection,
  deps: { resolveAsset: ResolveAsset; findHost: FindHost },
): Promise<DatasetCase | null> {
  if (!dataset.documentId) return null
  const asset = section.judge(
    'dataset-published',
    (await deps.resolveAsset(dataset.documentId)) ?? deny('did_not_found'),
  )
  if (!asset) return null
  // An algorithm bought for running would otherwise be handed to other people's code (DESIGN §4.2).
  section.judge('dataset-type', asset.ddo.metadata.type === 'algorithm' ? deny('not_dataset') : asset)
  const denied = whyNotConsumable(asset, consumerAddress)
  section.judge('dataset-consumable', denied ? deny(denied, { sentence: denied }) : asset)
  if (!dataset.serviceId) return null
  const target = section.judge('dataset-service-exists', findService(asset, dataset.serviceId) ?? deny('not_found'))
  if (!target) return null

  const { service } = target
  const isUsable = service.type === 'access' || service.type === 'compute'
  section.judge('dataset-service-type', isUsable ? service : deny('service_not_access_compute'))
  if (isUsable && isMain) {
    section.judge('dataset-main-compute', service.type === 'compute' ? service : deny('main_service_compute'))
  } else if (isUsable) section.skip('dataset-main-compute', 'Not asked of additional datasets.')
  const filled = fillParameters(service.consumerParameters, dataset.userdata)
  section.judge('dataset-parameters', 'problem' in filled ? badParameter(filled.problem) : filled)
  const host = await deps.findHost(target)
  section.judge('dataset-provider', whereFilesAre(target, host))
  return {
    target,
    host,
    transferTxId: dataset.transferTxId ?? null,
    userdata: 'values' in filled ? filled.values : null,
  }
}

/** Whether the algorithm may run on a dataset: rows 3j and 3k, as far as they can be told without its bytes. */
export function judgeTrust(
  { target: { service } }: DatasetCase,
  algorithm: AlgorithmCase,
  section: DocketSection,
  trustLists: TrustLists,
): void {
  if (service.type !== 'compute') {
    section.skip('algorithm-trusted', 'Not asked: whoever may read this dataset may run anything on it.')
    section.skip('algorithm-bytes-trusted', 'Not asked: whoever may read this dataset may run anything on it.')
    return
  }
  const options = service.compute ?? {}
  if (algorithm.kind === 'raw') {
    section.judge('algorithm-trusted', worded(refuseRawAlgorithm(options)))
    section.skip('algorithm-bytes-trusted', 'Not asked of code that is sent along.')
    return
  }
  section.judge('algorithm-trusted', worded(refusePublishedAlgorithm(options, algorithm.policyView, trustLists)))
}

/** Row 3k once more, now that the algorithm's bytes are known. */
export function judgeTrustedBytes(
  { target: { service } }: DatasetCase,
  algorithm: Extract<AlgorithmCase, { kind: 'published' }>,
  checkedFiles: readonly string[],
  section: DocketSection,
  trustLists: TrustLists,
): void {
  const options = service.compute ?? {}
  const { policyView } = algorithm
  // An algorithm that is not trusted at all needs no second refusal for its bytes.
  if (service.type !== 'compute' || refusePublishedAlgorithm(options, policyView, trustLists)) return
  const known = { ...policyView, filesChecksum: checkedFiles.join('') }
  section.judge('algorithm-bytes-trusted', worded(refusePublishedAlgorithm(options, known, trustLists)))
}

function whereFilesAre({ service }: AssetService, host: ServiceHost): ServiceHost | Denied {
  const code = 'compute_services_not_in_same_provider'
  if (service.type === 'compute') return host.kind === 'us' && host.canRead ? host : deny(code)
  if (host.kind === 'nobody') return deny('provider_unavailable', { sentence: host.sentence })
  // It would be accepted, and its job would end without it.
  return host.kind === 'us' && !host.canRead ? deny('file_unavailable', UNREADABLE) : host
}

function worded(refusal: PolicyRefusal | null): 'trusted' | Denied {
  return refusal ? deny(refusal, POLICY_WORDS[refusal]) : 'trusted'
}

/** Row 4a: files of a private algorithm are ours, and so must every dataset's be. */
export function judgePrivateAlgorithm(
  algorithm: AlgorithmCase,
  datasets: readonly (DatasetCase | null)[],
  section: DocketSection,
): void {
  if (algorithm.kind !== 'published') return
  const { target, host } = algorithm
  const code = 'compute_services_not_in_same_provider'
  if (target.service.type !== 'compute') {
    section.judge('algorithm-provider', host.kind === 'nobody' ? deny('file_unavailable', host) : host)
    return
  }
  const isElsewhere = datasets.some((one) => one !== null && one.host.kind !== 'us')
  const isReadable = host.kind === 'us' && host.canRead
  section.judge('algorithm-provider', isReadable && !isElsewhere ? host : deny(code))
}
