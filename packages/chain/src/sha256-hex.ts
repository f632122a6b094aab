import { createHash } from 'node:crypto'

/**
 * SHA-256 in lower-case hex, without 0x.
 * @param content bytes, or text that is read as UTF-8
 */
export function sha256Hex(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}
