const ZERO_ADDRESS = '0x0000000000000000000000000000000000000000'

/** What a run in an environment costs, and in what. */
export interface FeeTerms {
  /** Price of a minute in whole tokens, as announced. */
  readonly pricePerMinute: number
  readonly feeToken: string
  readonly feeTokenDecimals: number
  /** Price of the asset that results are to become, in whole tokens; absent or 0: nothing. */
  readonly assetPrice?: number
}

/**
 * The fee for a run from one moment to another, in wei of the fee token, and for the asset that its results become where
 * one is asked for: whole seconds, integers only, rounded down
 * (DESIGN §4.3; the reference bills "seconds of the day" in doubles).
 * @param fromSeconds epoch seconds, fractions dropped
 * @param untilSeconds epoch seconds
 */
export function computeFeeWei(terms: FeeTerms, fromSeconds: number, untilSeconds: number): bigint {
  if (terms.feeToken.toLowerCase() === ZERO_ADDRESS) return 0n
  const seconds = BigInt(Math.max(0, Math.trunc(untilSeconds) - Math.floor(fromSeconds)))
  const { digits, scale } = decimalOf(terms.pricePerMinute)
  return (digits * seconds * 10n ** BigInt(terms.feeTokenDecimals)) / (60n * 10n ** scale) + assetFeeWei(terms)
}

/** The part of a fee that is for the asset of the results, in wei. */
export function assetFeeWei(terms: FeeTerms): bigint {
  if (terms.feeToken.toLowerCase() === ZERO_ADDRESS) return 0n
  const { digits, scale } = decimalOf(terms.assetPrice ?? 0)
  return (digits * 10n ** BigInt(terms.feeTokenDecimals)) / 10n ** scale
}

/** A non-negative number as digits / 10^scale, exactly as its shortest text reads. */
function decimalOf(value: number): { digits: bigint; scale: bigint } {
  const [mantissa = '0', exponent = '0'] = String(value).toLowerCase().split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  const scale = fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction)
  return scale >= 0 ? { digits, scale: BigInt(scale) } : { digits: digits * 10n ** BigInt(-scale), scale: 0n }
}
