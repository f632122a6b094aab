/** What the chain shows of a transaction that is under way. */
export interface SeenTransaction {
  nonce: number
  /** When its newest signature was made, epoch milliseconds. */
  signedAtMs: number
  /** Whichever of its signatures was mined; null where none was. */
  mined: { hash: string; blockNumber: number; succeeded: boolean } | null
  /** The newest block. */
  latestBlock: number
  /** The nonce that the chain takes next of the wallet. */
  nextNonce: number
  /** How many transactions the wallet had sent when the newest block that stays was made. */
  settledCount: number
}

/** What to do about it. */
export type TransactionDecision =
  | { do: 'settle'; state: 'mined' | 'reverted'; hash: string; blockNumber: number }
  /** Mined, but not deep enough to stay. */
  | { do: 'wait' }
  /** Not mined: nodes forget what they were sent. */
  | { do: 'send' }
  /** Its turn, and not mined for long: the same nonce with better fees, so that one of the two happens. */
  | { do: 'outbid' }
  /** Its nonce went for good to something that is none of its signatures: it never happened and never will. */
  | { do: 'renew' }

/**
 * What is next for a transaction. Until it is buried it is under way, so a chain that takes blocks back takes nothing
 * from us but time.
 * @param limits.confirmations how many blocks must have come after its own
 * @param limits.outbidAfterMs how long it may go without being mined
 */
export function decideTransaction(
  seen: SeenTransaction,
  nowMs: number,
  limits: { confirmations: number; outbidAfterMs: number },
): TransactionDecision {
  const { mined } = seen
  if (mined) {
    if (seen.latestBlock - mined.blockNumber < limits.confirmations) return { do: 'wait' }
    const state = mined.succeeded ? 'mined' : 'reverted'
    return { do: 'settle', state, hash: mined.hash, blockNumber: mined.blockNumber }
  }
  if (seen.settledCount > seen.nonce) return { do: 'renew' }
  // Before its turn no fee would get it mined: what others wait for is for whoever has that nonce to mend.
  if (seen.nonce > seen.nextNonce) return { do: 'send' }
  return { do: nowMs - seen.signedAtMs > limits.outbidAfterMs ? 'outbid' : 'send' }
}
