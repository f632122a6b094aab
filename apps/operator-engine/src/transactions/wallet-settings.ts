import { createChainWallet } from '@c2d/chain'
import { addressSchema } from '@c2d/contracts'
import { secretSchema } from '@c2d/runtime'
import { z } from 'zod'
import type { OperatorWallets } from './operator-wallet.ts'

/** One account of the operator on one chain. Without any, nothing is ever sent to a chain. */
export const walletSettingsSchema = z.object({
  chainId: z.number().int().positive(),
  rpcUrls: z.array(z.url({ protocol: /^https?$/ })).min(1),
  privateKey: secretSchema,
  /** How many blocks must have come after one for what it says to stay. */
  confirmations: z.number().int().nonnegative().default(12),
  /** Seconds after which a transaction that is not mined is sent with better fees. */
  outbidSeconds: z.number().positive().default(300),
  /** What one transaction may use up. */
  maxGas: z.number().int().positive().default(3_000_000),
  /** Whether the orders of each job are told of its proof. */
  anchorProofs: z.boolean().default(false),
  /** The ERC721Factory of the chain: with it, results can become assets. */
  factoryAddress: addressSchema.optional(),
})
export type WalletSettings = z.infer<typeof walletSettingsSchema>

/** Opens the accounts by chain id; nothing is sent before they are used. */
export function openWallets(settings: readonly WalletSettings[]): OperatorWallets {
  return new Map(
    settings.map(
      ({ chainId, rpcUrls, privateKey, confirmations, outbidSeconds, maxGas, anchorProofs, factoryAddress }) => [
        chainId,
        {
          wallet: createChainWallet({ chainId, rpcUrls }, privateKey.reveal()),
          privateKey,
          maxGas: BigInt(maxGas),
          anchorsProofs: anchorProofs,
          factoryAddress,
          limits: { confirmations, outbidAfterMs: outbidSeconds * 1000, lookEveryMs: LOOK_EVERY_MS },
        },
      ],
    ),
  )
}

const LOOK_EVERY_MS = 3_000
