import type { DerivedAssetOffer } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { OperatorService } from '../../clients/operator-service.ts'
import type { FeeTerms } from '../orders/fees.ts'
import type { ProviderChain } from '../chains/provider-chain.ts'

/** What a run costs, and how long one may last. */
export interface RunTerms extends FeeTerms {
  readonly maxDurationSeconds: number
  /** In whose name the files of a job are fetched, and so whom they must be ordered for. */
  readonly consumerAddress: string
  /** What only the environment may read is encrypted to it; null where it announces none. */
  readonly consumerPublicKey: string | null
  /** On which chains results can become assets, and for how much there is room; null where they cannot. */
  readonly derivedAssets: DerivedAssetOffer | null
}

/**
 * What a run in an environment costs on a chain.
 * @param wantsAsset whether its results are to become an asset, which may have a price of its own
 * @throws AppError `EnvironmentNotFound` in the reference's words; `UpstreamUnavailable` when the operator is away
 */
export async function loadRunTerms(
  environmentId: string,
  chain: ProviderChain,
  operator: OperatorService | null,
  wantsAsset: boolean,
): Promise<RunTerms> {
  const environments = (await operator?.environments(chain.chainId)) ?? []
  const environment = environments.find((candidate) => candidate.id === environmentId)
  if (!environment) throw new AppError('EnvironmentNotFound', { detail: 'Compute environment does not exist' })
  const isFree = /^0x0{40}$/i.test(chain.feeToken)
  const feeTokenDecimals = isFree ? 0 : await chain.client.tokenDecimals(chain.feeToken)
  return {
    pricePerMinute: environment.priceMin,
    feeToken: chain.feeToken,
    feeTokenDecimals,
    assetPrice: wantsAsset ? (environment.derivedAssets?.price ?? 0) : 0,
    maxDurationSeconds: environment.maxJobDuration,
    consumerAddress: environment.consumerAddress,
    consumerPublicKey: environment.consumerPublicKey ?? null,
    derivedAssets: environment.derivedAssets ?? null,
  }
}
