/** A nonce of a wallet that nothing of ours has, while transactions of ours wait behind it. */
export interface SeenGap {
  nonce: number
  /** The newest block when it was seen first. */
  sinceBlock: number
}

/** What the chain and the database show of a wallet. */
export interface SeenNonces {
  /** The one that the chain takes next. */
  next: number
  /** The lowest from there on that a transaction of ours under way has; null where none has. */
  waiting: number | null
  latestBlock: number
}

/**
 * Whether a nonce was left free that our transactions wait for: somebody used it, ours were given later ones, and the chain
 * took that back for good.
 * @param before as of the last look
 * @returns null where there is no gap; `isLasting` once it has been there for as many blocks as make others stay
 */
export function decideGap(
  seen: SeenNonces,
  before: SeenGap | null,
  limits: { confirmations: number },
): (SeenGap & { isLasting: boolean }) | null {
  const { next, waiting, latestBlock } = seen
  if (waiting === null || waiting <= next) return null
  const isKnown = before?.nonce === next
  const sinceBlock = isKnown ? before.sinceBlock : latestBlock
  return { nonce: next, sinceBlock, isLasting: isKnown && latestBlock - sinceBlock >= limits.confirmations }
}
