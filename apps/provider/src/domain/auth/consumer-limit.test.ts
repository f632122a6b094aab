import { describe, expect, it } from '@jest/globals'
import { createConsumerLimit } from './consumer-limit.ts'

const ADDRESS = '0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c'

describe('the limit of one consumer', () => {
  it('lets so many through in a minute, in any casing of the address, and others as well', () => {
    let now = 0
    const limit = createConsumerLimit({ perMinute: 2 }, () => now)
    limit.take(ADDRESS)
    limit.take(ADDRESS.toLowerCase())
    now = 20_500
    expect(() => limit.take(ADDRESS)).toThrow('try again in 40 s.')
    limit.take(`0x${'1'.repeat(40)}`)
    now = 60_000
    expect(() => limit.take(ADDRESS)).not.toThrow()
  })

  it('behaviour: zero is no limit', () => {
    const limit = createConsumerLimit({ perMinute: 0 })
    for (let count = 0; count < 1_000; count++) limit.take(ADDRESS)
  })
})
