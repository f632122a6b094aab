import { createDecipheriv, createECDH, ECDH, hkdfSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { eciesDecrypt, eciesEncrypt } from './index.ts'

const KEY = `0x${'01'.repeat(32)}`
const OTHER_KEY = `0x${'02'.repeat(32)}`
const BLOB =
  '044f355bdcb7cc0af728ef3cceb9615d90684bb5b2ca5f859ab0f0b704075871aa385b6b1b8ead809ca67454d9683fcf2ba03456d6fe2c4abe2b07f0fbdbb2f1c1222222222222222222222222222222226a098a4b580fe0daa8f65c0f99f9514423e9eaa259943c0b40d844'
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
const undecryptable = expect.objectContaining({ code: 'InvalidRequest' })

/** Reads a blob by the layout table alone (provider-http-api §7.4), with Node's own primitives. */
function readByTheBook(privateKey: string, blob: Uint8Array): string {
  const [ephemeral, nonce, tag, ciphertext] = [
    blob.subarray(0, 65),
    blob.subarray(65, 81),
    blob.subarray(81, 97),
    blob.subarray(97),
  ]
  const recipient = createECDH('secp256k1')
  recipient.setPrivateKey(Buffer.from(privateKey.slice(2), 'hex'))
  const sharedX = recipient.computeSecret(ephemeral)
  // Node gives the x coordinate only: y is one of two, and the right one authenticates.
  for (const prefix of ['02', '03']) {
    const shared = uncompressed(Buffer.from(prefix + sharedX.toString('hex'), 'hex'))
    const key = Buffer.from(hkdfSync('sha256', Buffer.concat([ephemeral, shared]), '', '', 32))
    const cipher = createDecipheriv('aes-256-gcm', key, nonce)
    cipher.setAuthTag(tag)
    try {
      return Buffer.concat([cipher.update(ciphertext), cipher.final()]).toString('utf8')
    } catch {
      continue // the other y
    }
  }
  throw new Error('the blob does not have the layout')
}

function uncompressed(point: Buffer): Buffer {
  return Buffer.from(ECDH.convertKey(point, 'secp256k1', undefined, 'hex', 'uncompressed') as string, 'hex')
}

function publicKeyOf(privateKey: string, format: 'compressed' | 'uncompressed'): string {
  const pair = createECDH('secp256k1')
  pair.setPrivateKey(Buffer.from(privateKey.slice(2), 'hex'))
  return `0x${pair.getPublicKey('hex', format)}`
}

describe('ecies', () => {
  it('behaviour: the blob of the reference is read', () => {
    expect(textOf(eciesDecrypt(KEY, bytesOf(BLOB)))).toBe('hello_world')
  })

  it.each([
    ['a private key', KEY],
    ['an uncompressed public key', publicKeyOf(KEY, 'uncompressed')],
    ['a compressed public key without 0x', publicKeyOf(KEY, 'compressed').slice(2)],
  ])('behaviour: what is encrypted to %s has the layout of the reference', (_, recipient) => {
    const blob = eciesEncrypt(recipient, Buffer.from('hello_world'))
    expect(blob).toHaveLength(65 + 16 + 16 + 'hello_world'.length)
    expect(readByTheBook(KEY, blob)).toBe('hello_world')
    expect(textOf(eciesDecrypt(KEY, blob))).toBe('hello_world')
  })

  it('behaviour: nothing at all can be encrypted, and the same text twice differs', () => {
    expect(eciesDecrypt(KEY, eciesEncrypt(KEY, new Uint8Array()))).toHaveLength(0)
    expect(eciesEncrypt(KEY, Buffer.from('a'))).not.toEqual(eciesEncrypt(KEY, Buffer.from('a')))
  })

  it('behaviour: bytes that are a view into a larger buffer are read', () => {
    expect(textOf(eciesDecrypt(KEY, Buffer.from(`ff${BLOB}ff`, 'hex').subarray(1, -1)))).toBe('hello_world')
  })

  it.each([
    ['nothing', ''],
    ['a few bytes', '0102'],
    ['a truncated blob', BLOB.slice(0, -2)],
    ['a header without tag', BLOB.slice(0, 130)],
    ['a changed ciphertext', `${BLOB.slice(0, -2)}45`],
    ['an ephemeral key off the curve', `04${'ff'.repeat(64)}${BLOB.slice(130)}`],
  ])('error: %s is refused', (_, hex) => {
    expect(() => eciesDecrypt(KEY, bytesOf(hex))).toThrow(undecryptable)
  })

  it('error: the key of somebody else is refused', () => {
    expect(() => eciesDecrypt(OTHER_KEY, bytesOf(BLOB))).toThrow(undecryptable)
  })

  it('error: a recipient that is no key is refused', () => {
    expect(() => eciesEncrypt('0x1234', new Uint8Array(1))).toThrow(/private key must be/)
  })
})
