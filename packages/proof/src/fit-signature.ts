import { recoverTextSigner } from '@c2d/chain'
import { isSameAddress } from '@c2d/contracts'

/** The order of secp256k1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/**
 * A signature as proofs hold it, from what a keeper of keys gives: r and s with or without v, or DER, with a low or a high
 * s. Key stores know nothing of v; whose signature it must be says which of the two it is.
 * @param signature 0x and hex
 * @returns 0x and 65 bytes r, s, v; null where it is no signature of this text by this address
 */
export function fitSignature(text: string, signature: string, address: string): string | null {
  const numbers = readNumbers(Buffer.from(signature.slice(2), 'hex'))
  if (!numbers) return null
  const { r, s } = numbers
  const low = s > ORDER / 2n ? ORDER - s : s
  const digits = [r, low].map((number) => number.toString(16).padStart(64, '0')).join('')
  for (const v of ['1b', '1c']) {
    const signer = recoverTextSigner(text, `0x${digits}${v}`)
    if (signer !== null && isSameAddress(signer, address)) return `0x${digits}${v}`
  }
  return null
}

function readNumbers(bytes: Buffer): { r: bigint; s: bigint } | null {
  const isPlain = bytes.length === 64 || bytes.length === 65
  const parts = isPlain ? [bytes.subarray(0, 32), bytes.subarray(32, 64)] : readDer(bytes)
  const [r, s] = parts?.map((part) => BigInt(`0x${part.toString('hex') || '0'}`)) ?? []
  return r !== undefined && s !== undefined && r < ORDER && s < ORDER ? { r, s } : null
}

/** The two integers of a DER sequence (RFC 3279 §2.2.3); null for anything else. */
function readDer(bytes: Buffer): Buffer[] | null {
  if (bytes[0] !== 0x30 || bytes[1] !== bytes.length - 2) return null
  const integers: Buffer[] = []
  let at = 2
  while (at < bytes.length) {
    const length = bytes[at + 1] ?? 0
    if (bytes[at] !== 0x02 || length === 0 || length > 33 || at + 2 + length > bytes.length) return null
    integers.push(bytes.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return integers.length === 2 ? integers : null
}
