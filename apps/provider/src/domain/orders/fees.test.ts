import { describe, expect, it } from '@jest/globals'
import { computeFeeWei, type FeeTerms } from './fees.ts'

const terms = (pricePerMinute: number, feeTokenDecimals = 18): FeeTerms => ({
  pricePerMinute,
  feeTokenDecimals,
  feeToken: '0x967da4048cD07aB37855c090aAF366e4ce1b9F48',
})

describe('the fee of a compute run', () => {
  it.each([
    ['one minute at 1 token', terms(1), 0, 60, 10n ** 18n],
    ['one hour at 60 tokens a minute', terms(60), 0, 3600, 3600n * 10n ** 18n],
    ['two days and a minute are billed as such', terms(1), 0, 2 * 86_400 + 60, 2881n * 10n ** 18n],
    ['a price that no double holds', terms(0.1), 0, 60, 10n ** 17n],
    ['a price in exponent form', terms(1e-7), 0, 60, 10n ** 11n],
    ['a price beyond exact integers', terms(1e21), 0, 60, 10n ** 39n],
    ['a token of six decimals', terms(2.5, 6), 0, 30, 1_250_000n],
    ['a fraction of a second at the start', terms(60), 0.9, 1, 10n ** 18n],
    ['a remainder, rounded down', terms(1, 0), 0, 59, 0n],
    ['a free environment', terms(0), 0, 3600, 0n],
    ['an end before the start', terms(1), 100, 40, 0n],
  ])('is exact for %s', (_name, given, from, until, expected) => {
    expect(computeFeeWei(given, from, until)).toBe(expected)
  })

  it('is nothing where the fee token is the zero address', () => {
    const none = { ...terms(5), feeToken: `0x${'0'.repeat(40)}` }
    expect(computeFeeWei(none, 0, 3600)).toBe(0n)
  })
})

describe('the price of an asset of results', () => {
  it.each([
    ['beside the run', { ...terms(1), assetPrice: 2.5 }, 35n * 10n ** 17n],
    ['where the run is free', { ...terms(0), assetPrice: 0.000001 }, 10n ** 12n],
    ['in a token without decimals, rounded down', { ...terms(60, 0), assetPrice: 1.9 }, 61n],
    ['of nothing', { ...terms(1), assetPrice: 0 }, 10n ** 18n],
    ['where there is no fee token', { ...terms(1), assetPrice: 9, feeToken: `0x${'0'.repeat(40)}` }, 0n],
  ])('is added once, %s', (_name, given, expected) => {
    expect(computeFeeWei(given, 0, 60)).toBe(expected)
  })
})
