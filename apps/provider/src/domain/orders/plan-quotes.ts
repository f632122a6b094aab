import { computeFeeWei, type FeeTerms } from './fees.ts'
import type { ValidOrder } from './validate-order.ts'

/** What one item of a compute order still needs. */
export interface PlannedQuote {
  /** The origin of an order that still holds, if there is one. */
  readonly validOrder: string | null
  /** The fee to ask for, in wei; null where nothing is to be paid or signed any more. */
  readonly feeWei: bigint | null
}

/**
 * Whether an order pays for a run by itself: its fee covers the time from its quote to its own end, in the token asked
 * for. An order quoted at zero beside another one does not (provider-http-api §5.5, on whole seconds from the quote).
 */
export function paysForRun(order: ValidOrder, terms: FeeTerms): boolean {
  return (
    order.feeToken.toLowerCase() === terms.feeToken.toLowerCase() &&
    order.paidWei >= computeFeeWei(terms, order.quotedAt, order.validUntil)
  )
}

/**
 * Decides which items still need a fee, and which one of them carries the price of the run; the others are quoted zero
 * (provider-http-api §1.7, initializeCompute). Items whose order still runs as long as asked are left alone, unless no
 * order among them pays: then the first carries.
 * @param existing the valid order of each item, or null, datasets first
 * @param validUntil epoch seconds asked for
 * @param now epoch seconds
 */
export function planQuotes(
  existing: readonly (ValidOrder | null)[],
  terms: FeeTerms,
  validUntil: number,
  now: number,
): PlannedQuote[] {
  const lasts = existing.map((order) => order !== null && order.validUntil >= validUntil)
  const isPaid = existing.some((order, index) => lasts[index] && order !== null && paysForRun(order, terms))
  const firstOpen = lasts.indexOf(false)
  const carrier = isPaid ? -1 : Math.max(firstOpen, 0)
  return existing.map((order, index) => {
    const needsFee = index === carrier || !lasts[index]
    const amountWei = index === carrier ? computeFeeWei(terms, now, validUntil) : 0n
    // An order that a fee is asked for is to be reused with it: one whose reuse would not count must be made anew.
    const validOrder = order && (order.isReusable || !needsFee) ? order.originTransactionHash : null
    return { validOrder, feeWei: needsFee ? amountWei : null }
  })
}
