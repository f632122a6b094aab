import { z } from 'zod'

/** A 20-byte address in any casing; comparisons are case-insensitive, messages keep the casing as sent. */
export const addressSchema = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')

/** A transaction hash with its 0x. */
export const transactionHashSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'must be a transaction hash: 0x and 64 hex digits')

/** `0x` and an even number of hex digits. */
export const hexBytesSchema = z.string().regex(/^0x(?:[0-9a-fA-F]{2})*$/, 'must be hex bytes: 0x and pairs of digits')

/** A 32-byte digest in hex without 0x, lower case. */
export const sha256HexSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex')

/** `did:op:` and the hex sha256 of NFT address and chain id. */
export const didSchema = z.string().regex(/^did:op:[0-9a-fA-F]{64}$/, 'must be a DID: did:op: and 64 hex digits')

/** 32 lower-case hex characters; becomes a file name and an object name, so nothing else passes. */
export const jobIdSchema = z.string().regex(/^[0-9a-f]{32}$/, 'must be a job id: 32 lower-case hex digits')

/** Whether two addresses are the same account, whatever their casing. */
export function isSameAddress(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

/** The part of a DID that names folders and `DIDS` entries (pods-behaviour §1.10). */
export function didSuffix(did: string): string {
  return did.replace(/^did:op:/, '')
}
