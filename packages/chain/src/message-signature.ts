import { getAddress, getBytes, hashMessage, keccak256, toUtf8Bytes } from 'ethers'
import { recover, signRecoverable } from 'tiny-secp256k1'
import { parsePrivateKey } from './private-key.ts'

const SIGNATURE = /^(?:0x)?([0-9a-f]{64})([0-9a-f]{64})([0-9a-f]{2})$/i
/** Half the order of secp256k1: a higher `s` is the malleated twin of a signature. */
const HIGHEST_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/**
 * The 32 raw bytes that are signed for a message: keccak256 of its UTF-8 text (provider-http-api §2.1).
 * EIP-191 puts its prefix before these bytes; `recoverSigner` and `signMessage` do so themselves.
 * @throws TypeError for a text that has no UTF-8 (half a surrogate pair)
 */
export function messageDigest(message: string): Uint8Array {
  return getBytes(keccak256(toUtf8Bytes(message)))
}

/**
 * Who signed a message.
 * @param message one of the messages of `@c2d/contracts`, exactly as it was signed
 * @param signature 65 bytes r, s, v in hex, with or without 0x; v is 0, 1, 27 or 28
 * @returns the checksummed address, or null for anything that is no such signature, a high `s` included
 */
export function recoverSigner(message: string, signature: string): string | null {
  try {
    return recoverDigestSigner(messageDigest(message), signature)
  } catch {
    return null // half a surrogate pair has no UTF-8: nobody can have signed such a text
  }
}

/** Who signed 32 bytes by personal_sign, under the rules of `recoverSigner`. */
export function recoverDigestSigner(digest: Uint8Array, signature: string): string | null {
  return recoverHashSigner(hashMessage(digest), signature)
}

/** Who signed a hash that has its EIP-191 prefix in it already, under the rules of `recoverSigner`. */
export function recoverHashSigner(hash: string, signature: string): string | null {
  const [, r, s, vHex] = SIGNATURE.exec(signature) ?? []
  if (r === undefined || s === undefined || vHex === undefined || BigInt(`0x${s}`) > HIGHEST_S) return null
  const v = Number.parseInt(vHex, 16)
  const parity = v >= 27 ? v - 27 : v
  if (parity !== 0 && parity !== 1) return null
  try {
    const publicKey = recover(getBytes(hash), Buffer.from(r + s, 'hex'), parity)
    return publicKey && addressOfPublicKey(publicKey)
  } catch {
    return null // r or s is no number of the curve, or r no point on it: nobody signed this
  }
}

/** The last 20 bytes of the hash of a point, its prefix left out. */
function addressOfPublicKey(uncompressed: Uint8Array): string {
  return getAddress(`0x${keccak256(uncompressed.subarray(1)).slice(-40)}`)
}

/**
 * Signs a message as ocean.js does (ocean-js-client §3). By WASM: the provider signs each request to the operator.
 * @returns 0x and 65 bytes r, s, v; v is 1b or 1c
 * @throws ConfigError when the key is no private key
 */
export function signMessage(message: string, privateKey: string): string {
  const key = getBytes(parsePrivateKey(privateKey).privateKey)
  const { signature, recoveryId } = signRecoverable(getBytes(hashMessage(messageDigest(message))), key)
  return `0x${Buffer.from(signature).toString('hex')}${(27 + recoveryId).toString(16)}`
}
