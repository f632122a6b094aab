/** How far out of order requests of one provider may arrive. */
const WINDOW_SECONDS = 60n

/**
 * The window of a nonce ledger, in the unit of the nonce. Providers sign times in seconds, milliseconds, microseconds or
 * nanoseconds (operator-service-api §6.3), and today's have 10, 13, 16 or 19 digits.
 * @param nonce literal decimal text
 */
export function nonceWindow(nonce: string): string {
  const digits = nonce.replace(/\..*$/, '').replace(/^0+/, '').length
  const thousands = digits >= 18 ? 3n : digits >= 15 ? 2n : digits >= 12 ? 1n : 0n
  return String(WINDOW_SECONDS * 1_000n ** thousands)
}
