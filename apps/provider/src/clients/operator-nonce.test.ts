import { describe, expect, it } from '@jest/globals'
import { createOperatorNonce } from './operator-nonce.ts'

describe('the nonce towards the operator', () => {
  it('rises even when the clock stands still or goes back', () => {
    const clock = [1_700_000_000_000, 1_700_000_000_000, 1_600_000_000_000, 1_700_000_000_001]
    const next = createOperatorNonce(() => clock.shift() ?? 0)
    expect([next(), next(), next(), next()]).toEqual([
      '1700000000000000000',
      '1700000000000000001',
      '1700000000000000002',
      '1700000000001000000',
    ])
  })
})
