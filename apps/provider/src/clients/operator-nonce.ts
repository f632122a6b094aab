/**
 * Makes the nonces our requests to operator-service carry: nanosecond-scale integers, each greater than the last,
 * however fast they are asked for (provider-http-api §8.1).
 * @param now milliseconds since the epoch
 */
export function createOperatorNonce(now: () => number = Date.now): () => string {
  let last = 0n
  return () => {
    const clock = BigInt(Math.trunc(now())) * 1_000_000n
    last = clock > last ? clock : last + 1n
    return last.toString()
  }
}
