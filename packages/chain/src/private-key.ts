import { SigningKey } from 'ethers'
import { ConfigError } from '@c2d/runtime'

/** The order of secp256k1: private keys are the numbers between zero and it. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const PRIVATE_KEY = /^(?:0x)?([0-9a-fA-F]{64})$/

/**
 * The signing key of a private key's text.
 * @param privateKey 32 bytes of hex, with or without 0x
 * @throws ConfigError for anything else; the text itself is never repeated
 */
export function parsePrivateKey(privateKey: string): SigningKey {
  const digits = PRIVATE_KEY.exec(privateKey)?.[1]
  if (digits === undefined) throw new ConfigError(['a private key must be 32 bytes of hex'])
  const number = BigInt(`0x${digits}`)
  if (number === 0n || number >= ORDER) {
    throw new ConfigError(['a private key must be a number of the curve secp256k1'])
  }
  return new SigningKey(`0x${digits}`)
}
