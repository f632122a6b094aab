/** From here on one more is not another number to a client that counts in doubles. */
const DOUBLES_END = 2 ** 53

/**
 * What an address is told of its last nonce. Clients add 1 to it, in a double (ocean-js-client §3, §10): beyond 53 bits,
 * where addresses get that once signed with nanoseconds, that sum is a nonce that was used, for ever. So they are told a
 * number above the last one by enough for the sum to be new.
 * @param highest the last nonce, in its literal text
 */
export function toldNonce(highest: string): string {
  const double = Number(highest)
  if (double < DOUBLES_END) return highest
  const spacing = 2 ** (Math.floor(Math.log2(double)) - 52)
  return BigInt(double + 2 * spacing).toString()
}
