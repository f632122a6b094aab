import { computeDid } from '@c2d/chain'
import { ddoSchema, type Ddo } from '@c2d/contracts'
import { getBytes, hashMessage, type BaseWallet } from 'ethers'
import { documentHash } from './document-reader.ts'

/** What is wrong with a document, by member; nothing at all for a good one. */
export type DocumentProblems = Record<string, string>

/**
 * Reads a document as published.
 * @returns the parsed document, or what is wrong with it
 */
export function parseDocument(text: string): { ddo: Ddo } | { problems: DocumentProblems } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { problems: { document: 'is not JSON' } }
  }
  const parsed = ddoSchema.safeParse(json)
  if (!parsed.success) {
    const { issues } = parsed.error
    return { problems: Object.fromEntries(issues.map((issue) => [issue.path.join('.') || 'document', issue.message])) }
  }
  const did = computeDid(parsed.data.nftAddress, parsed.data.chainId)
  if (parsed.data.id !== did) return { problems: { id: `must be ${did}, which follows from nftAddress and chainId` } }
  return { ddo: parsed.data }
}

/** What ocean.js hands to `setMetaData` as proof; r and s are lists because the reference's are. */
export interface ValidationProof {
  readonly hash: string
  readonly publicKey: string
  readonly r: readonly [string]
  readonly s: readonly [string]
  readonly v: number
}

/**
 * The validator's word that it has seen a document: its hash, signed so that the contract accepts it as a proof.
 * @param body the document's exact bytes
 */
export function signDocument(body: Buffer, wallet: BaseWallet): ValidationProof {
  const hash = documentHash(body)
  // The contract recovers the validator from personal_sign over the hash.
  const { r, s, v } = wallet.signingKey.sign(hashMessage(getBytes(hash)))
  return { hash, publicKey: wallet.address, r: [r], s: [s], v }
}
