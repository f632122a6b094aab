import { describe, expect, it } from '@jest/globals'
import type { FeeTerms } from './fees.ts'
import { paysForRun, planQuotes } from './plan-quotes.ts'
import type { ValidOrder } from './validate-order.ts'

const TOKEN = `0x${'70'.repeat(20)}`
const NOW = 1_700_000_000
/** One wei a second. */
const TERMS: FeeTerms = { pricePerMinute: 60, feeToken: TOKEN, feeTokenDecimals: 0 }
const FREE: FeeTerms = { ...TERMS, pricePerMinute: 0 }

const order = (paidWei: bigint, validUntil: number, changes: Partial<ValidOrder> = {}): ValidOrder => ({
  isValid: true,
  originTransactionHash: '0xorigin',
  consumer: '0x',
  feeToken: TOKEN.toUpperCase().replace('0X', '0x'),
  paidWei,
  validUntil,
  quotedAt: NOW - 100,
  isReusable: true,
  ...changes,
})

describe('planning quotes', () => {
  const until = NOW + 600
  it.each<[string, (ValidOrder | null)[], FeeTerms, (bigint | null)[]]>([
    ['nothing is ordered: the first item carries the price', [null, null], TERMS, [600n, 0n]],
    ['all last and the first paid: nothing more', [order(700n, until), order(0n, until)], TERMS, [null, null]],
    ['all last, none paid: the first carries after all', [order(0n, until), order(0n, until)], TERMS, [600n, null]],
    ['a new algorithm beside a paid dataset is quoted zero', [order(700n, until), null], TERMS, [null, 0n]],
    ['a new algorithm beside an unpaid dataset carries', [order(0n, until), null], TERMS, [null, 600n]],
    ['both ended: the first carries again', [order(700n, NOW - 1), order(0n, NOW - 1)], TERMS, [600n, 0n]],
    ['a free environment asks for signatures only', [null, null], FREE, [0n, 0n]],
    ['paid in another token does not count', [order(700n, until, { feeToken: '0xother' })], TERMS, [600n]],
  ])('%s', (_title, existing, terms, expected) => {
    expect(planQuotes(existing, terms, until, NOW).map((item) => item.feeWei)).toEqual(expected)
  })

  it('names the orders that are still good, whether their time is up or not', () => {
    const planned = planQuotes([order(0n, NOW - 1), null], TERMS, until, NOW)
    expect(planned.map((item) => item.validOrder)).toEqual(['0xorigin', null])
  })
})

describe('an order whose datatoken has run out', () => {
  it('is named while the time it paid for lasts, and made anew after that', () => {
    const last = order(700n, NOW + 600, { isReusable: false })
    expect(planQuotes([last], TERMS, NOW + 600, NOW)).toEqual([{ validOrder: '0xorigin', feeWei: null }])
    expect(planQuotes([last], TERMS, NOW + 700, NOW)).toEqual([{ validOrder: null, feeWei: 700n }])
  })
})

describe('whether an order pays for a run by itself', () => {
  it.each([
    ['exactly what was quoted', order(700n, NOW + 600), true],
    ['a wei less', order(699n, NOW + 600), false],
    ['nothing, a second before its end', order(0n, NOW + 1), false],
  ])('%s: %s', (_title, given, expected) => {
    expect(paysForRun(given, TERMS)).toBe(expected)
  })
})
