import { SigningKey } from 'ethers'
import { ConfigError } from '@c2d/runtime'

const PRIVATE_KEY = /^(?:0x)?([0-9a-fA-F]{64})$/

/**
 * The signing key of a private key's text.
 * @param privateKey 32 bytes of hex, with or without 0x
 * @throws ConfigError for anything else; the text itself is never repeated
 */
export function parsePrivateKey(privateKey: string): SigningKey {
  const digits = PRIVATE_KEY.exec(privateKey)?.[1]
  if (digits === undefined) throw new ConfigError(['a private key must be 32 bytes of hex'])
  try {
    const key = new SigningKey(`0x${digits}`)
    void key.publicKey // computed on reading: shows at once that the number lies on the curve
    return key
  } catch {
    // The cause is withheld on purpose: it speaks about the key.
    throw new ConfigError(['a private key must be a number of the curve secp256k1'])
  }
}
