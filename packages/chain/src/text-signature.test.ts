import { describe, expect, it } from '@jest/globals'
import { verifyMessage } from 'ethers'
import { recoverTextSigner, signText } from './text-signature.ts'

const KEY = `0x${'01'.repeat(32)}`
const ADDRESS = '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'

describe('signText', () => {
  it.each(['"s"["did:op:a", "did:op:b"]"job"null', '', 'größer'])(
    'behaviour: what it signs verifies as a personal message: %s',
    (text) => {
      expect(verifyMessage(text, signText(text, KEY))).toBe(ADDRESS)
      expect(recoverTextSigner(text, signText(text, KEY))).toBe(ADDRESS)
      expect(recoverTextSigner(`${text} `, signText(text, KEY))).not.toBe(ADDRESS)
    },
  )

  it('error: a key that is none is refused, without being repeated', () => {
    expect(() => signText('x', 'not a key')).toThrow(/private key must be 32 bytes/)
  })
})
