import { z } from 'zod'
import { addressSchema, hexBytesSchema } from './primitives.ts'

/**
 * What an engine asks of an external signer of proofs, as the body of a POST (docs/operations.md). A signer that can read
 * `text` sees what it signs and may refuse it; one that can sign digests only needs nothing but `digest`.
 */
export const signProofRequestSchema = z.object({
  version: z.literal(1),
  /** Whose signature is wanted: the signer may hold several keys. */
  address: addressSchema,
  /** DSSE's pre-authentication encoding of the statement. */
  text: z.string(),
  /** 32 bytes: the hash of `text` as a personal message (EIP-191), which is what is signed. */
  digest: hexBytesSchema.length(66),
})
export type SignProofRequest = z.infer<typeof signProofRequestSchema>

/**
 * What it answers, with status 200: an ECDSA signature over secp256k1 in the form that its keeper gives. r and s, with or
 * without v (64 or 65 bytes), or DER; s may be high.
 */
export const signProofAnswerSchema = z.object({ signature: hexBytesSchema })
