import { createHmac } from 'node:crypto'

/**
 * What a proof says of a file instead of its hash, where the dataset's owner wants salted ones (docs/proof.md):
 * HMAC-SHA256 with the salt as key, over the file's SHA-256 as 64 lower-case hex digits.
 * @param salt 32 bytes in hex, another one for each job and dataset
 */
export function saltHash(salt: string, sha256: string): string {
  return createHmac('sha256', Buffer.from(salt, 'hex')).update(sha256).digest('hex')
}
