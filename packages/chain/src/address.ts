import { addressSchema } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { computeAddress, getAddress } from 'ethers'
import { parsePrivateKey } from './private-key.ts'

/**
 * The EIP-55 spelling of an address.
 * @param address 0x and 40 hex digits in any casing; a checksum that does not fit is mended, not refused
 * @throws AppError InvalidRequest when it is no address
 */
export function checksumAddress(address: string): string {
  if (!addressSchema.safeParse(address).success) {
    throw new AppError('InvalidRequest', { detail: 'An address must be 0x and 40 hex digits.' })
  }
  return getAddress(address.toLowerCase())
}

/**
 * The public key of a private key: what others encrypt to.
 * @param privateKey 32 bytes of hex, with or without 0x
 * @returns uncompressed: 0x and 130 hex digits
 * @throws ConfigError when it is no private key
 */
export function publicKeyOf(privateKey: string): string {
  return parsePrivateKey(privateKey).publicKey
}

/**
 * The checksummed address of a private key.
 * @param privateKey 32 bytes of hex, with or without 0x
 * @throws ConfigError when it is no private key
 */
export function addressOf(privateKey: string): string {
  return computeAddress(parsePrivateKey(privateKey))
}
