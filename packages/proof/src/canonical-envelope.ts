import { isUtf8 } from 'node:buffer'
import { checksumAddress } from '@c2d/chain'
import type { ProofEnvelope } from '@c2d/contracts'

const SIGNATURE = /^0x[0-9a-f]{128}1[bc]$/

/**
 * Whether an envelope is written as `sealStatement` writes it: base64 without spare bits, addresses with their checksum,
 * signatures in lower case with v as 1b or 1c, a payload that is UTF-8 (bytes that are none are read as U+FFFD, which stands in
 * names of files). Otherwise one proof could be written in many ways, and a character could
 * be changed without anybody noticing.
 */
export function isCanonicalEnvelope({ payload, signatures }: ProofEnvelope): boolean {
  return signatures.every(
    ({ keyid, sig, endorsement }) =>
      isCanonicalBase64(payload) &&
      isUtf8(Buffer.from(payload, 'base64')) &&
      isCanonicalBase64(sig) &&
      [keyid, endorsement.keyAddress, endorsement.environmentAddress].every(isChecksummed) &&
      SIGNATURE.test(`0x${Buffer.from(sig, 'base64').toString('hex')}`) &&
      SIGNATURE.test(endorsement.signature),
  )
}

function isCanonicalBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text
}

function isChecksummed(address: string): boolean {
  return checksumAddress(address) === address
}
