import { describe, expect, it } from '@jest/globals'
import { nonceWindow } from './nonce-window.ts'

describe('nonceWindow', () => {
  it.each([
    ['1700000000', '60'],
    ['1700000000.123', '60'],
    ['1700000000123', '60000'],
    ['1700000000123456', '60000000'],
    ['1700000000123456789', '60000000000'],
    ['0001700000000', '60'],
    ['1', '60'],
  ])('default: of %s is a minute in its unit', (nonce, window) => {
    expect(nonceWindow(nonce)).toBe(window)
  })
})
