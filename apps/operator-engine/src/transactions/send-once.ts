import type { ChainWallet, TransactionCall } from '@c2d/chain'
import { loadTransaction, openTransaction, type ChainTransaction } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'

/** How a transaction that was asked for stands. */
export type SendOnce =
  | { state: 'sent' | 'mined' | 'reverted'; transaction: ChainTransaction }
  /** It would revert, or use more gas than it may: nothing was signed. */
  | { state: 'refused'; why: 'reverts' | 'gas' }

const GAS_MARGIN_PERCENT = 130n

/**
 * Sends a call of a wallet once for a purpose, however often and by however many engines it is asked for; tells how it
 * stands. Mined is what is buried deep enough to stay.
 * @param asked.call made only where nothing was sent for this purpose yet
 * @param options.maxGas more is not paid for
 */
export async function sendOnce(
  asked: { purpose: string; jobId: string; call: () => Promise<TransactionCall> | TransactionCall },
  options: { maxGas: bigint },
  deps: { db: Database; wallet: ChainWallet },
): Promise<SendOnce> {
  const { db, wallet } = deps
  const { purpose, jobId } = asked
  const known = await loadTransaction(db, purpose)
  if (known) return { state: known.state, transaction: known }

  const call = await asked.call()
  const needed = await wallet.estimateGas(call)
  if (needed === null) return { state: 'refused', why: 'reverts' }
  const gasLimit = (needed * GAS_MARGIN_PERCENT) / 100n
  if (gasLimit > options.maxGas) return { state: 'refused', why: 'gas' }
  const firstNonce = await wallet.countSent()
  const transaction = await openTransaction(
    db,
    {
      purpose,
      jobId,
      chainId: wallet.chainId,
      wallet: wallet.address,
      target: call.to,
      data: call.data,
      gasLimit,
      firstNonce,
    },
    (nonce) => wallet.sign(call, { nonce, gasLimit, feePercent: 100 }),
  )
  // Whether this arrives or not: what is kept is sent again until it is mined.
  if (transaction.state === 'sent') await wallet.broadcast(transaction.raw).catch(() => undefined)
  return { state: transaction.state, transaction }
}
