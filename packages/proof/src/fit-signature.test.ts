import { Secret } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { fitSignature } from './fit-signature.ts'
import { createLocalSigner } from './proof-signer.ts'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const SIGNER = createLocalSigner(new Secret(`0x${'02'.repeat(32)}`))
const STRANGER = createLocalSigner(new Secret(`0x${'03'.repeat(32)}`))

const hex = (number: bigint): string => number.toString(16).padStart(64, '0')

/** As key stores write it: minimal integers, a zero before those that would look negative. */
function toDer(numbers: readonly bigint[]): string {
  const integers = numbers.map((number) => {
    const bytes = Buffer.from(hex(number).replace(/^(?:00)+(?=..)/, ''), 'hex')
    const content = (bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), bytes]) : bytes
    return Buffer.concat([Buffer.from([2, content.length]), content])
  })
  const all = Buffer.concat(integers)
  return `0x${Buffer.concat([Buffer.from([0x30, all.length]), all]).toString('hex')}`
}

describe('fitSignature', () => {
  it('behaviour: every form that key stores give becomes the one of proofs', async () => {
    for (let nth = 0; nth < 20; nth += 1) {
      const text = `statement ${nth}`
      const signature = await SIGNER.sign(text)
      const [r, s] = [BigInt(signature.slice(0, 66)), BigInt(`0x${signature.slice(66, 130)}`)]
      const forms = [
        signature,
        signature.slice(0, -2),
        `${signature.slice(0, -2)}00`,
        `0x${hex(r)}${hex(ORDER - s)}`,
        toDer([r, s]),
        toDer([r, ORDER - s]),
      ]
      for (const form of forms) expect(fitSignature(text, form, SIGNER.address.toLowerCase())).toBe(signature)
    }
  })

  it('attack: another key’s, another text’s, and what is no signature fit nothing', async () => {
    const text = 'statement'
    expect(fitSignature(text, await STRANGER.sign(text), SIGNER.address)).toBeNull()
    expect(fitSignature(text, await SIGNER.sign('another'), SIGNER.address)).toBeNull()
    for (const form of ['0x', `0x${'00'.repeat(64)}`, `0x${'ff'.repeat(65)}`, '0x3006020101020101ff', '0x30']) {
      expect(fitSignature(text, form, SIGNER.address)).toBeNull()
    }
  })

  it('attack: whatever bytes come, they are no signature, and no failure of ours', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ minLength: 64, maxLength: 72 }))
    fc.assert(
      fc.property(bytes, fc.boolean(), (some, isSequence) => {
        const form = Buffer.from(some)
        if (isSequence && form.length > 2) form.set([0x30, form.length - 2, 0x02])
        return fitSignature('statement', `0x${form.toString('hex')}`, SIGNER.address) === null
      }),
    )
  })
})
