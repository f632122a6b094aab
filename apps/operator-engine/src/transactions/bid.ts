/** What nodes take for a better offer by far enough, in percent of the one before. */
const STEP = 1.25
/** Beyond this many times what is usual, it is not the price that keeps a transaction from being mined. */
const HIGHEST_PERCENT = 1_000

/**
 * What to offer for a transaction, in percent of what is usual now.
 * @param earlier how many offers were made before
 */
export function bidPercent(earlier: number): number {
  return Math.min(Math.round(100 * STEP ** earlier), HIGHEST_PERCENT)
}
