import { describe, expect, it } from '@jest/globals'
import { isNonceAbove } from './nonce-order.ts'
import { toldNonce } from './told-nonce.ts'

describe('the last nonce, as an address is told of it', () => {
  it.each(['1', '1700000000000', '1700000000000.123', '9007199254740991'])('%s is told as it is', (nonce) => {
    expect(toldNonce(nonce)).toBe(nonce)
  })

  it.each([
    '9007199254740992',
    '9007199254740993',
    '9007199254740995.5',
    '1700000000000000000',
    '1700000000000000001',
    '1763720000123456789',
    '9223372036854775807',
    '9223372036854775808',
  ])('behaviour: after %s, whoever counts on in doubles comes to new ones', (nonce) => {
    let last = nonce
    for (let count = 0; count < 100; count++) {
      const byOceanJs = String(Number(toldNonce(last)) + 1)
      expect([last, byOceanJs, isNonceAbove(byOceanJs, last)]).toEqual([last, byOceanJs, true])
      last = byOceanJs
      const byOceanPy = (BigInt(Number(toldNonce(last))) + 1n).toString()
      expect([last, byOceanPy, isNonceAbove(byOceanPy, last)]).toEqual([last, byOceanPy, true])
      last = byOceanPy
    }
  })
})
