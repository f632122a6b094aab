import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { hashMessage, recoverAddress, SigningKey, verifyMessage } from 'ethers'
import { messageDigest, recoverSigner } from './index.ts'

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const ROUNDS = 600
const word = (value: bigint) => value.toString(16).padStart(64, '0')
/** Bytes that look random and are the same in every run. */
const seeded = (...parts: (string | number)[]) => createHash('sha256').update(parts.join(' ')).digest()

interface Sample {
  message: string
  r: string
  s: string
  parity: 0 | 1
}

function buildSample(index: number, accept: (r: string, s: string) => boolean = () => true): Sample {
  const key = new SigningKey(seeded('key', index))
  for (let attempt = 0; ; attempt++) {
    const message = seeded('message', index, attempt)
      .toString('latin1')
      .repeat((index % 5) + 1)
    const { r, s, yParity } = key.sign(hashMessage(messageDigest(message)))
    if (accept(r, s)) return { message, r: r.slice(2), s: s.slice(2), parity: yParity }
  }
}

/** What ethers makes of it, under our rule that a high s is nobody's. */
function byEthers(message: string, r: string, s: string, parity: 0 | 1): string | null {
  if (BigInt(`0x${s}`) > HALF_ORDER) return null
  try {
    const parts = { r: `0x${r}`, s: `0x${s}`, v: (27 + parity) as 27 | 28 }
    return recoverAddress(hashMessage(messageDigest(message)), parts)
  } catch {
    return null
  }
}
const hexOf = (v: number) => v.toString(16).padStart(2, '0')

describe('recoverSigner against ethers', () => {
  it(`behaviour: ${ROUNDS} signatures of as many keys have the signer ethers finds, with v 0/1 and 27/28`, () => {
    for (let index = 0; index < ROUNDS; index++) {
      const { message, r, s, parity } = buildSample(index)
      const expected = verifyMessage(messageDigest(message), `0x${r}${s}${hexOf(27 + parity)}`)
      expect(recoverSigner(message, `0x${r}${s}${hexOf(parity)}`)).toBe(expected)
      expect(recoverSigner(message, `0x${r}${s}${hexOf(27 + parity)}`)).toBe(expected)
    }
  })

  it('behaviour: with the other parity both find the same stranger', () => {
    for (let index = 0; index < 100; index++) {
      const { message, r, s, parity } = buildSample(index)
      const other = parity === 0 ? 1 : 0
      expect(recoverSigner(message, `0x${r}${s}${hexOf(other)}`)).toBe(byEthers(message, r, s, other))
    }
  })

  it('behaviour: signatures whose r or s begins with a zero byte are read', () => {
    for (const accept of [(r: string) => r.startsWith('0x00'), (_r: string, s: string) => s.startsWith('0x00')]) {
      const { message, r, s, parity } = buildSample(7, accept)
      const expected = byEthers(message, r, s, parity)
      expect(expected).not.toBeNull()
      expect(recoverSigner(message, `0x${r}${s}${hexOf(parity)}`)).toBe(expected)
    }
  })

  it('error: the high twin of every signature is refused, as before', () => {
    for (let index = 0; index < 100; index++) {
      const { message, r, s, parity } = buildSample(index)
      const high = word(ORDER - BigInt(`0x${s}`))
      for (const v of [0, 1, 27, 28]) expect(recoverSigner(message, `0x${r}${high}${hexOf(v)}`)).toBeNull()
      expect(byEthers(message, r, high, parity)).toBeNull()
    }
  })

  it('error: what ethers refuses at the edges of the curve, we refuse', () => {
    const { message, r, s } = buildSample(1)
    const edges = [0n, 1n, 2n, 3n, 5n, HALF_ORDER, HALF_ORDER + 1n, ORDER - 1n, ORDER, ORDER + 1n, 2n ** 256n - 1n]
    for (const edge of edges) {
      for (const [edgeR, edgeS] of [
        [word(edge), s],
        [r, word(edge)],
        [word(edge), word(1n)],
      ] as const) {
        for (const parity of [0, 1] as const) {
          const found = recoverSigner(message, `0x${edgeR}${edgeS}${hexOf(parity)}`)
          expect([edge, found]).toEqual([edge, byEthers(message, edgeR, edgeS, parity)])
        }
      }
    }
  })

  it('behaviour: random bytes are somebody’s or nobody’s, as ethers says', () => {
    let somebody = 0
    for (let index = 0; index < 200; index++) {
      const r = seeded('r', index).toString('hex')
      const s = seeded('s', index).toString('hex')
      const found = recoverSigner('text', `0x${r}${s}1b`)
      expect(found).toBe(byEthers('text', r, s, 0))
      if (found) somebody++
    }
    expect(somebody).toBeGreaterThan(20)
  })
})
