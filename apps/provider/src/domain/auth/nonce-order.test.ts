import { describe, expect, it } from '@jest/globals'
import { isNonceAbove } from './nonce-order.ts'

describe('the order of nonces', () => {
  it.each([
    ['2', '1', true],
    ['1', '1', false],
    ['10', '9', true],
    ['1700000000000000001', '1700000000000000000', true],
    ['1700000000123.5', '1700000000123.45', true],
    ['1700000000123.4', '1700000000123.45', false],
    ['1700000000123.50', '1700000000123.5', false],
  ])('%s above %s: %s', (nonce, other, isAbove) => {
    expect(isNonceAbove(nonce, other)).toBe(isAbove)
  })
})
