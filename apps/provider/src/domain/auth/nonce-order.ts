/** Whether one nonce is above another: decimal texts of any length, which do not fit a double (provider-http-api §2.2). */
export function isNonceAbove(nonce: string, other: string): boolean {
  const [whole, fraction] = partsOf(nonce)
  const [otherWhole, otherFraction] = partsOf(other)
  if (whole !== otherWhole) return whole > otherWhole
  const digits = Math.max(fraction.length, otherFraction.length)
  return fraction.padEnd(digits, '0') > otherFraction.padEnd(digits, '0')
}

function partsOf(nonce: string): [bigint, string] {
  const [whole = '', fraction = ''] = nonce.split('.')
  return [BigInt(whole), fraction]
}
