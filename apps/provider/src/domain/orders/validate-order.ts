import { isFeeSignedBy, type FeeEvent, type OrderEvent, type OrderReceipt, type ReuseEvent } from '@c2d/chain'
import { isSameAddress, type ProviderData } from '@c2d/contracts'

/** What the chain says about a claimed order. Only logs that the datatoken itself emitted are in here (DESIGN §4.3). */
export interface OrderEvidence {
  /** Whether the asset's NFT deployed the datatoken. */
  readonly isDatatokenOfAsset: boolean
  /** The transaction named by the request; null when it is not on chain in time. */
  readonly named: OrderReceipt | null
  /** The transaction in which the order began: another one when `named` reuses it. Null when it is not on chain. */
  readonly origin: OrderReceipt | null
}

/** What the order must pay for. */
export interface OrderExpectation {
  readonly transactionHash: string
  /** Whom the order must have been made by or for. */
  readonly sender: string
  readonly datatoken: string
  readonly serviceId: string
  readonly serviceIndex: number
  /** Seconds an order lasts; 0 is for ever. */
  readonly serviceTimeoutSeconds: number
  /** The environment the fee must have been quoted for; undefined where none is asked for. */
  readonly environment?: string | undefined
  /** Ours, on this chain. */
  readonly providerAddress: string
  readonly factoryAddress: string
  readonly allowsExpiredFee: boolean
  /** How long the transaction was waited for, for the text. */
  readonly waitedSeconds: number
}

/** An order that pays for what was expected. */
export interface ValidOrder {
  readonly isValid: true
  /** The transaction in which it began; what `validOrder` answers name. */
  readonly originTransactionHash: string
  readonly consumer: string
  readonly paidWei: bigint
  readonly feeToken: string
  /** Epoch seconds until which a run is paid for; 0 is no limit. */
  readonly validUntil: number
  /** When we quoted the fee, epoch seconds. */
  readonly quotedAt: number
  /** Whether a reuse of it would count: what the datatoken bought has not run out. */
  readonly isReusable: boolean
}

/** What kinds of things can be wrong with an order. */
export type OrderProblem =
  | 'foreign-datatoken'
  | 'not-on-chain'
  | 'failed'
  | 'other-fee'
  | 'other-environment'
  | 'other-provider'
  | 'fee-expired'
  | 'no-order'
  | 'too-little'
  | 'expired'
  | 'not-yours'

/** An order that does not. */
export interface InvalidOrder {
  readonly isValid: false
  readonly problem: OrderProblem
  /** Why, in the reference's words. */
  readonly reason: string
  /** Whether the sender asked about made it or is its consumer: others are told no more than that it is not theirs. */
  readonly isOwn: boolean
}

/** What `startOrder` moves, always. */
const ONE_DATATOKEN_WEI = 10n ** 18n

/** What the reference allows between the end of what is paid for and its use, beside the time mining took. */
const EXPIRY_GRACE_SECONDS = 90

/**
 * Does this transaction pay for this service, for this consumer, still? (provider-http-api §4.3 with DESIGN §4.3.)
 * @param now epoch seconds
 */
export function evaluateOrder(
  evidence: OrderEvidence,
  expected: OrderExpectation,
  now: number,
): ValidOrder | InvalidOrder {
  const invalid = (problem: OrderProblem, reason: string): InvalidOrder => ({
    isValid: false,
    problem,
    reason,
    isOwn: evidence.origin?.orders.some((order) => isOrderOf(order, evidence.origin?.from, expected)) ?? false,
  })
  const { named, origin } = evidence
  if (!evidence.isDatatokenOfAsset)
    return invalid('foreign-datatoken', 'The datatoken does not belong to the data NFT of the asset.')
  if (!named) {
    return invalid(
      'not-on-chain',
      `Transaction ${expected.transactionHash} is not in the chain, after ${expected.waitedSeconds} seconds`,
    )
  }
  if (!named.succeeded) return invalid('failed', 'order transaction failed.')

  const quote = findQuote(named.fees, expected)
  if (!quote)
    return invalid('other-fee', `Cannot find the event for the provider fee in tx id ${expected.transactionHash}.`)
  if (expected.environment !== undefined && quote.data.environment !== expected.environment) {
    return invalid('other-environment', 'Mismatch between ordered c2d environment and selected one.')
  }
  const { fee, data } = quote
  if (!isSameAddress(fee.providerFeeAddress, expected.providerAddress)) {
    return invalid(
      'other-provider',
      `The providerFeeAddress ${fee.providerFeeAddress} in the event does not match the provider address ${expected.providerAddress}`,
    )
  }
  if (!isFeeSignedBy(fee, expected.providerAddress)) {
    return invalid('other-fee', 'Provider was not able to check the signed message in ProviderFees event')
  }
  const { validUntil } = fee
  if (validUntil > 0 && !expected.allowsExpiredFee) {
    const miningSeconds = Math.max(0, named.blockTimestamp - data.timestamp)
    if (now >= validUntil + miningSeconds + EXPIRY_GRACE_SECONDS) {
      return invalid('fee-expired', 'Ordered c2d time was exceeded, check validUntil.')
    }
  }

  const reuse = named.reuses[0]
  if (reuse && !origin?.succeeded) return invalid('failed', 'order referenced in OrderReused failed.')
  const started = origin?.orders.findLast((order) => order.serviceIndex === expected.serviceIndex)
  if (!origin || !started) {
    return invalid(
      'no-order',
      `Cannot find the event for the order transaction with tx id ${expected.transactionHash}.`,
    )
  }
  if (started.amountWei < ONE_DATATOKEN_WEI) {
    return invalid(
      'too-little',
      `The amount in the event is less than the amount requested. requested: amount=${ONE_DATATOKEN_WEI} event: amount=${started.amountWei}`,
    )
  }
  const timeout = expected.serviceTimeoutSeconds
  const soldUntil = timeout === 0 ? Infinity : started.timestamp + timeout
  if (now > Math.max(soldUntil, reusedUntil(reuse, fee, { soldUntil, timeout }))) {
    const orderedAt = reuse?.timestamp ?? started.timestamp
    return invalid(
      'expired',
      `The order has expired. current timestamp=${now} order timestamp=${orderedAt} timestamp delta=${now - orderedAt} service timeout=${timeout}`,
    )
  }
  if (!isOrderOf(started, origin.from, expected)) {
    return invalid('not-yours', 'sender of order transaction is not the consumer/payer.')
  }
  return {
    isValid: true,
    originTransactionHash: origin.transactionHash.toLowerCase(),
    consumer: started.consumer,
    paidWei: fee.amountWei,
    feeToken: fee.providerFeeToken,
    validUntil,
    quotedAt: data.timestamp,
    isReusable: now <= soldUntil,
  }
}

/**
 * Until when a reuse keeps an order good beyond what the datatoken bought (docs/adr/0007). The contract checks no order
 * that is reused and moves no datatoken for it, so it counts only for an order that was still good then: long enough to
 * start at once, and as long as the time it really paid for. That fee is ours and not the publisher's: however long it
 * lasts, it adds no more than the service sells at once.
 * @returns epoch seconds; 0 where it keeps nothing
 */
function reusedUntil(
  reuse: ReuseEvent | undefined,
  fee: FeeEvent,
  { soldUntil, timeout }: { soldUntil: number; timeout: number },
): number {
  if (!reuse || reuse.timestamp > soldUntil) return 0
  const paidUntil = fee.amountWei > 0n ? Math.min(fee.validUntil, reuse.timestamp + timeout) : 0
  return Math.max(paidUntil, reuse.timestamp) + EXPIRY_GRACE_SECONDS
}

/** The fee of this very service: quoted for its datatoken and id. The last one wins. */
function findQuote(
  fees: readonly FeeEvent[],
  expected: OrderExpectation,
): { fee: FeeEvent; data: ProviderData } | null {
  for (const fee of fees.toReversed()) {
    const data = fee.providerData
    const fits =
      data?.dt.toLowerCase() === expected.datatoken.toLowerCase() &&
      data.id.toLowerCase() === expected.serviceId.toLowerCase()
    if (data && fits) return { fee, data }
  }
  return null
}

function isOrderOf(
  order: OrderEvent,
  transactionSender: string | undefined,
  { sender, factoryAddress }: OrderExpectation,
): boolean {
  // The factory is the payer of orders it bundles: then the payer is whoever sent the transaction.
  const payer = isSameAddress(order.payer, factoryAddress) ? transactionSender : order.payer
  return isSameAddress(order.consumer, sender) || (payer !== undefined && isSameAddress(payer, sender))
}
