import { buildProviderFee } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import type { AssetService } from '../assets/resolve-asset.ts'

/** What a fee is asked for. */
export interface FeeQuestion {
  /** The compute environment the fee is bound to; null for an access. */
  environment: string | null
  amountWei: bigint
  /** Epoch seconds; 0 is no limit. */
  validUntil: number
  /** Epoch seconds, with fraction. */
  now: number
}

/** The datatoken to order and the fee to pay with it, signed with the chain's key (provider-http-api §5.2, §5.3). */
export function buildQuote(
  { asset, service }: AssetService,
  fee: FeeQuestion,
): Required<Pick<Quote, 'datatoken' | 'providerFee'>> {
  const { chain } = asset
  return {
    datatoken: service.datatokenAddress,
    providerFee: buildProviderFee(
      {
        providerData: {
          environment: fee.environment,
          timestamp: fee.now,
          dt: service.datatokenAddress,
          id: service.id,
        },
        feeToken: chain.feeToken,
        amountWei: fee.amountWei,
        validUntil: fee.validUntil,
      },
      chain.privateKey,
    ),
  }
}
