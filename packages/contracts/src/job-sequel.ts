import { z } from 'zod'
import { addressSchema, didSchema, sha256HexSchema, transactionHashSchema } from './primitives.ts'

/** How a transaction of the operator's is: sent, or in a block that stays. */
const transactionStateSchema = z.enum(['sent', 'mined', 'reverted'])

/** What a status answer says of the proof of a job; the proof itself is had by `computeProof`. */
export const jobProofSchema = z.object({
  /** SHA-256 of the statement as it was signed: what anchors tell on chain. */
  sha256: sha256HexSchema,
  keyAddress: addressSchema,
  signedAtMs: z.number(),
  /** Absent where no order is told of the proof. */
  anchor: z
    .object({
      /** `due`: more transactions may come. */
      state: z.enum(['due', 'settled']),
      /** Why orders were left out. */
      note: z.string().optional(),
      transactions: z.array(
        z.object({
          orderTxId: transactionHashSchema,
          datatoken: addressSchema,
          hash: transactionHashSchema,
          state: transactionStateSchema,
        }),
      ),
    })
    .optional(),
})
export type JobProof = z.infer<typeof jobProofSchema>

/** What a status answer says of the asset that results become. */
export const jobAssetSchema = z.object({
  /** `due`: it is being made; `refused`: there will be none. */
  state: z.enum(['due', 'published', 'refused']),
  /** Why there will be none. */
  note: z.string().optional(),
  did: didSchema.optional(),
  nft: addressSchema.optional(),
  datatoken: addressSchema.optional(),
  /** Hashes, by what they do: `create`, `describe`, `transfer`. */
  transactions: z.record(z.string(), transactionHashSchema),
})
export type JobAsset = z.infer<typeof jobAssetSchema>
