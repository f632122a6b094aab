import type { ChainWallet } from '@c2d/chain'
import { findNonceUnderWay, reopenTransaction } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { toError, type Logger } from '@c2d/runtime'
import { bidPercent } from './bid.ts'
import { decideGap, type SeenGap } from './decide-gap.ts'
import type { WalletLimits } from './operator-wallet.ts'

export interface HealGapDeps {
  db: Database
  nowMs: () => number
  log: Logger
}

interface KnownGap extends SeenGap {
  /** How often something was offered for its nonce, and when last, epoch milliseconds. */
  bids: number
  bidAtMs: number
}

const GAS_MARGIN_PERCENT = 130n

/**
 * Looks whether the transactions of a wallet wait for a nonce that nobody uses: its owner sent something by hand, ours were
 * given the nonces behind, and the chain took that back for good. What waits cannot be given other nonces, as its
 * signatures may still be mined; so the gap is filled, with a transfer of nothing to the wallet itself. That one may happen
 * or not, once or instead of what returns after all: it need not be kept. Where the nonce was one of ours that the chain
 * took back deeper than it should, that one is sent again.
 *
 * What it saw is a hint of this process, lost with it: the next one counts blocks anew.
 * @returns one look
 */
export function createGapHealer(
  wallet: ChainWallet,
  limits: Pick<WalletLimits, 'confirmations' | 'outbidAfterMs'>,
  deps: HealGapDeps,
): () => Promise<void> {
  const { db, nowMs, log } = deps
  const place = { chainId: wallet.chainId, wallet: wallet.address }
  let known: KnownGap | null = null

  async function look(): Promise<void> {
    const isIdle = (await findNonceUnderWay(db, { ...place, fromNonce: 0 })) === null
    const next = isIdle ? 0 : await wallet.countSent()
    const waiting = isIdle ? null : await findNonceUnderWay(db, { ...place, fromNonce: next })
    const latestBlock = waiting === null ? 0 : await wallet.latestBlockNumber()
    const gap = decideGap({ next, waiting, latestBlock }, known, limits)
    known = gap && { bids: 0, bidAtMs: 0, ...(known?.nonce === gap.nonce ? known : {}), ...gap }
    if (known && gap?.isLasting === true) await heal(known)
  }

  async function heal(gap: KnownGap): Promise<void> {
    const { nonce } = gap
    const purpose = await reopenTransaction(db, { ...place, nonce })
    if (purpose !== null) {
      log.warn({ purpose, nonce }, 'a transaction that was settled is gone from the chain, and is sent again')
      return
    }
    if (gap.bids > 0 && nowMs() - gap.bidAtMs <= limits.outbidAfterMs) return
    const call = { to: wallet.address, data: '0x' }
    const gas = await wallet.estimateGas(call)
    if (gas === null) throw new Error('the wallet takes no transfer from itself')
    const gasLimit = (gas * GAS_MARGIN_PERCENT) / 100n
    const { raw, hash } = await wallet.sign(call, { nonce, gasLimit, feePercent: bidPercent(gap.bids) })
    // Counted before it is sent: one that is refused, as something better is there, is followed by a better one.
    gap.bids += 1
    gap.bidAtMs = nowMs()
    log.warn({ nonce, hash }, 'a nonce was left free that others wait for, and is filled')
    await wallet.broadcast(raw)
  }

  return async () => {
    try {
      await look()
    } catch (thrown) {
      log.warn({ chainId: wallet.chainId, err: toError(thrown) }, 'a wallet could not be looked at')
    }
  }
}
