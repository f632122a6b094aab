import { computeDid } from '@c2d/chain'
import type { DerivedAsset, ProofStatement } from '@c2d/contracts'

/** Where the files of an asset are, and what guards them. */
export interface AssetPlace {
  chainId: number
  nft: string
  datatoken: string
  /** The asset's files, encrypted to the provider. */
  files: string
}

/** What every derived asset is called that gives itself no name. */
const DEFAULT_LICENSE = 'No License Specified'

/**
 * The document of a derived asset: a dataset that its provider serves, with links to all it came from. The links are the
 * proof's, so nobody can claim others.
 * @param proof.sha256 of the signed bytes
 */
export function buildDdo(
  wish: DerivedAsset,
  place: AssetPlace,
  proof: { statement: ProofStatement; sha256: string },
): Record<string, unknown> {
  const { predicate } = proof.statement
  const { metadata, whitelist } = wish
  const at = new Date(predicate.finishedAtMs).toISOString().replace(/\.\d+Z$/, 'Z')
  return {
    '@context': ['https://w3id.org/did/v1'],
    id: computeDid(place.nft, place.chainId),
    version: '4.1.0',
    chainId: place.chainId,
    nftAddress: place.nft,
    metadata: {
      created: at,
      updated: at,
      type: 'dataset',
      name: metadata.name ?? `Results of job ${predicate.job.id}`,
      description: metadata.description ?? 'What a computation left, with the proof of how it came to be.',
      author: metadata.author ?? wish.owner,
      license: metadata.license ?? DEFAULT_LICENSE,
      ...(metadata.tags ? { tags: metadata.tags } : {}),
      additionalInformation: {
        computation: {
          job: predicate.job.id,
          proofSha256: proof.sha256,
          datasets: predicate.datasets.flatMap(({ did }) => (did === null ? [] : [did])),
          algorithm: predicate.algorithm.did,
          environment: predicate.environment.address,
        },
      },
    },
    services: [
      {
        id: 'access',
        type: 'access',
        files: place.files,
        datatokenAddress: place.datatoken,
        serviceEndpoint: wish.serviceEndpoint,
        timeout: 0,
      },
    ],
    ...(whitelist.length > 0 ? { credentials: { allow: [{ type: 'address', values: whitelist }], deny: [] } } : {}),
  }
}
