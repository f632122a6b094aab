import { createDecipheriv, hkdfSync } from 'node:crypto'
import { AppError } from '@c2d/runtime'
import { encrypt } from 'eciesjs'
import { Config } from 'eciesjs/config'
import { getBytes } from 'ethers'
import { pointMultiply } from 'tiny-secp256k1'
import { parsePrivateKey } from './private-key.ts'

/** Shared point, KDF and blob layout of provider-http-api §7.4, spelled out so that no default can move it. */
const layout = new Config()
layout.ellipticCurve = 'secp256k1'
layout.isEphemeralKeyCompressed = false
layout.isHkdfKeyCompressed = false
layout.symmetricAlgorithm = 'aes-256-gcm'
layout.symmetricNonceLength = 16

const PUBLIC_KEY = /^(?:0x)?((?:0[23][0-9a-fA-F]{64})|(?:04[0-9a-fA-F]{128}))$/

/**
 * Encrypts bytes so that only the holder of a key reads them (provider-http-api §7.4).
 * @param recipientKey the recipient's private key (32 bytes of hex) or public key (33 or 65), with or without 0x
 * @returns ephemeral public key 65 B, nonce 16 B, tag 16 B, ciphertext
 * @throws ConfigError when it is neither kind of key
 */
export function eciesEncrypt(recipientKey: string, bytes: Uint8Array): Uint8Array {
  const publicKey = PUBLIC_KEY.exec(recipientKey)?.[1] ?? parsePrivateKey(recipientKey).publicKey.slice(2)
  return encrypt(Uint8Array.from(Buffer.from(publicKey, 'hex')), bytes, layout)
}

/** Lengths of the parts of a blob, in bytes (provider-http-api §7.4). */
const BLOB = { ephemeralKey: 65, nonce: 16, tag: 16 }
const HEADER_BYTES = BLOB.ephemeralKey + BLOB.nonce + BLOB.tag
const AES_KEY_BYTES = 32

/**
 * Decrypts what `eciesEncrypt`, eciespy or eciesjs made for this key. The shared point comes from WASM, the rest from
 * Node: each compute request opens several blobs, and eciesjs takes some ten milliseconds for one.
 * @param privateKey 32 bytes of hex, with or without 0x
 * @throws AppError InvalidRequest for bytes that were not encrypted to this key or were changed since
 * @throws ConfigError when the key is no private key
 */
export function eciesDecrypt(privateKey: string, bytes: Uint8Array): Uint8Array {
  const key = getBytes(parsePrivateKey(privateKey).privateKey)
  try {
    if (bytes.length < HEADER_BYTES) throw new RangeError('too short to be a blob')
    const ephemeralKey = bytes.subarray(0, BLOB.ephemeralKey)
    const nonce = bytes.subarray(BLOB.ephemeralKey, BLOB.ephemeralKey + BLOB.nonce)
    const tag = bytes.subarray(BLOB.ephemeralKey + BLOB.nonce, HEADER_BYTES)
    const shared = pointMultiply(ephemeralKey, key, false)
    if (shared === null) throw new RangeError('no shared point')
    const secret = hkdfSync('sha256', Buffer.concat([ephemeralKey, shared]), '', '', AES_KEY_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', new Uint8Array(secret), nonce, { authTagLength: BLOB.tag })
    decipher.setAuthTag(tag)
    return new Uint8Array(Buffer.concat([decipher.update(bytes.subarray(HEADER_BYTES)), decipher.final()]))
  } catch {
    // Without its cause: which check failed is of no use to a caller, and may be of use to an attacker.
    throw new AppError('InvalidRequest', { detail: 'The bytes cannot be decrypted with the key of this provider.' })
  }
}
