import { ALL_PUBLISHED, type ComputeOptions, type TrustedAlgorithm } from '@c2d/contracts'

/** How empty trust lists are read: as nobody (DESIGN §4.2), or as everybody, like the reference does. */
export type TrustLists = 'private' | 'legacy'

/** A published algorithm, as a policy sees it. */
export interface PublishedAlgorithm {
  readonly did: string
  /** Who owns the algorithm's NFT now, from the chain. */
  readonly owner: string
  /** Concatenated SHA-256 of each file, lower case (provider-http-api §6.3); null while nobody has fetched them. */
  readonly filesChecksum: string | null
  /** SHA-256 of entrypoint and image checksum, lower case. */
  readonly containerChecksum: string
}

/** Why an algorithm may not run on a service; the code is part of the wire (provider-http-api §6.3). */
export type PolicyRefusal =
  | 'no_raw_algo_allowed'
  | 'not_trusted_algo'
  | 'not_trusted_algo_publisher'
  | 'no_publisherTrustedAlgorithms'
  | 'algorithm_file_checksum_mismatch'
  | 'algorithm_container_checksum_mismatch'

/** Raw code runs only where the service says so; anything but `true` is a no. */
export function refuseRawAlgorithm(options: ComputeOptions): PolicyRefusal | null {
  return options.allowRawAlgorithm === true ? null : 'no_raw_algo_allowed'
}

/**
 * Whether a published algorithm may run on a service. A list that names something must be satisfied; `"*"` satisfies
 * its own list; a service whose lists are both empty runs nothing, unless the lists are read the legacy way. Bytes
 * that nobody has fetched yet refuse nothing: ask again when they are known.
 * @returns the refusal's code, or null when it may run
 */
export function refusePublishedAlgorithm(
  options: ComputeOptions,
  algorithm: PublishedAlgorithm,
  trustLists: TrustLists,
): PolicyRefusal | null {
  const publishers = options.publisherTrustedAlgorithmPublishers ?? []
  const algorithms = options.publisherTrustedAlgorithms ?? []
  if (publishers.length === 0 && algorithms.length === 0) return trustLists === 'legacy' ? null : 'not_trusted_algo'
  return refuseByPublisher(publishers, algorithm) ?? refuseByAlgorithm(algorithms, algorithm)
}

function refuseByPublisher(publishers: readonly string[], algorithm: PublishedAlgorithm): PolicyRefusal | null {
  if (publishers.length === 0 || publishers.includes(ALL_PUBLISHED)) return null
  const owner = algorithm.owner.toLowerCase()
  return publishers.some((publisher) => publisher.toLowerCase() === owner) ? null : 'not_trusted_algo_publisher'
}

function refuseByAlgorithm(
  entries: readonly (typeof ALL_PUBLISHED | TrustedAlgorithm)[],
  algorithm: PublishedAlgorithm,
): PolicyRefusal | null {
  if (entries.length === 0 || entries.includes(ALL_PUBLISHED)) return null
  const trusted = entries.filter((entry) => entry !== ALL_PUBLISHED)
  if (trusted.some((entry) => entry.did === '')) return 'no_publisherTrustedAlgorithms'
  const named = trusted.filter((entry) => entry.did.toLowerCase() === algorithm.did.toLowerCase())
  if (named.length === 0) return 'not_trusted_algo'
  // An algorithm may be listed in several versions: one that fits is enough, else the first one's reason is told.
  const refusals = named.map((entry) => refuseByChecksums(entry, algorithm))
  return refusals.includes(null) ? null : (refusals[0] ?? null)
}

function refuseByChecksums(entry: TrustedAlgorithm, algorithm: PublishedAlgorithm): PolicyRefusal | null {
  const { filesChecksum } = algorithm
  if (entry.filesChecksum && filesChecksum !== null && entry.filesChecksum.toLowerCase() !== filesChecksum) {
    return 'algorithm_file_checksum_mismatch'
  }
  if (entry.containerSectionChecksum && entry.containerSectionChecksum.toLowerCase() !== algorithm.containerChecksum) {
    return 'algorithm_container_checksum_mismatch'
  }
  return null
}
