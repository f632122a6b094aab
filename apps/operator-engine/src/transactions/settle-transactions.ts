import type { ChainWallet, TransactionCall } from '@c2d/chain'
import {
  keepReplacement,
  postponeTransaction,
  renewTransaction,
  settleTransaction,
  takeDueTransactions,
  type ChainTransaction,
} from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { toError, type Logger } from '@c2d/runtime'
import { bidPercent } from './bid.ts'
import { decideTransaction, type SeenTransaction } from './decide-transaction.ts'
import type { WalletLimits } from './operator-wallet.ts'

export interface SettleDeps {
  db: Database
  by: string
  nowMs: () => number
  log: Logger
}

/** So that engines do not look at once; where they do all the same, the database keeps the first of two signatures. */
const LEASE_SECONDS = 20
const BATCH = 20

/**
 * Looks at every transaction of a wallet that is under way and does what is next. What was signed is kept before it is
 * sent: an engine killed anywhere in here leaves a transaction that the next one sends again, never a second one.
 * @returns how many were settled
 */
export async function settleTransactions(wallet: ChainWallet, limits: WalletLimits, deps: SettleDeps): Promise<number> {
  const place = { chainId: wallet.chainId, wallet: wallet.address }
  const due = await takeDueTransactions(deps.db, { ...place, leaseSeconds: LEASE_SECONDS, limit: BATCH })
  if (due.length === 0) return 0
  const chain = await lookAtChain(wallet, limits).catch((thrown: unknown) => toError(thrown))
  let settled = 0
  for (const transaction of due) {
    let error: string | null = null
    try {
      if (chain instanceof Error) throw chain
      if (await settle(transaction, chain, wallet, limits, deps)) {
        settled += 1
        continue
      }
    } catch (thrown) {
      error = toError(thrown).message
      deps.log.warn({ purpose: transaction.purpose, err: toError(thrown) }, 'a transaction could not be looked at')
    }
    const later = { purpose: transaction.purpose, inSeconds: limits.lookEveryMs / 1000, error }
    await postponeTransaction(deps.db, later)
  }
  return settled
}

type SeenChain = Pick<SeenTransaction, 'latestBlock' | 'nextNonce' | 'settledCount'>

/** Asked before receipts are looked for: a nonce that went meanwhile is then not taken for somebody else's. */
async function lookAtChain(wallet: ChainWallet, { confirmations }: WalletLimits): Promise<SeenChain> {
  const latestBlock = await wallet.latestBlockNumber()
  const settledCount = await wallet.countSent(Math.max(0, latestBlock - confirmations))
  return { latestBlock, settledCount, nextNonce: await wallet.countSent() }
}

async function settle(
  transaction: ChainTransaction,
  chain: SeenChain,
  wallet: ChainWallet,
  limits: WalletLimits,
  deps: SettleDeps,
): Promise<boolean> {
  const { purpose, nonce, signedAtMs, hashes, gasLimit } = transaction
  const seen = { nonce, signedAtMs, mined: await wallet.findMined(hashes), ...chain }
  const decision = decideTransaction(seen, deps.nowMs(), limits)
  switch (decision.do) {
    case 'settle':
      await settleTransaction(deps.db, { purpose, by: deps.by, ...decision })
      deps.log.info({ purpose, state: decision.state, hash: decision.hash }, 'transaction settled')
      return true
    case 'wait':
      return false
    case 'send':
      await wallet.broadcast(transaction.raw)
      return false
    case 'outbid': {
      const options = { nonce, gasLimit, feePercent: bidPercent(hashes.length), standing: transaction.raw }
      const signed = await wallet.outbid(callOf(transaction), options)
      if (signed === null) await wallet.broadcast(transaction.raw)
      else if (await keepReplacement(deps.db, transaction, signed)) await wallet.broadcast(signed.raw)
      return false
    }
    case 'renew': {
      deps.log.warn({ purpose, nonce }, 'a nonce was used by something else')
      const renewed = await renewTransaction(deps.db, transaction, await wallet.countSent(), (fresh) =>
        wallet.sign(callOf(transaction), { nonce: fresh, gasLimit, feePercent: 100 }),
      )
      if (renewed) await wallet.broadcast(renewed.raw)
      return false
    }
  }
}

function callOf({ target, data }: ChainTransaction): TransactionCall {
  return { to: target, data }
}
