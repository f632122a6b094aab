import type { ChainWallet } from '@c2d/chain'
import type { Secret } from '@c2d/runtime'

/** How patient a wallet is. */
export interface WalletLimits {
  confirmations: number
  outbidAfterMs: number
  /** How often a transaction that is under way is looked at, in milliseconds. */
  lookEveryMs: number
}

/** An account of the operator, and what it may do. */
export interface OperatorWallet {
  wallet: ChainWallet
  /** Contracts ask for the sender's own signature beside the transaction's. */
  privateKey: Secret
  /** What one transaction may use up. */
  maxGas: bigint
  anchorsProofs: boolean
  /** The ERC721Factory that derived assets are made at; absent: none are. */
  factoryAddress: string | undefined
  limits: WalletLimits
}

/** The accounts by chain id. */
export type OperatorWallets = ReadonlyMap<number, OperatorWallet>
