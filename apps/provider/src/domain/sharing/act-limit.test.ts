import { describe, expect, it } from '@jest/globals'
import { createActLimit } from './act-limit.ts'

const ADDRESS = '0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c'

describe('the limit of one party', () => {
  it('lets so many acts through in a minute, in any casing of the name, and others as well', () => {
    let now = 0
    const limit = createActLimit({ perMinute: 2 }, () => now)
    limit.count(ADDRESS)
    expect(() => limit.assertRoom(ADDRESS)).not.toThrow()
    limit.count(ADDRESS.toLowerCase())
    now = 20_500
    expect(() => limit.assertRoom(ADDRESS)).toThrow('try again in 40 s.')
    expect(() => limit.assertRoom(`0x${'1'.repeat(40)}`)).not.toThrow()
    now = 60_000
    expect(() => limit.assertRoom(ADDRESS)).not.toThrow()
  })

  it('behaviour: asking counts nothing', () => {
    const limit = createActLimit({ perMinute: 1 })
    for (let asked = 0; asked < 10; asked++) limit.assertRoom(ADDRESS)
    limit.count(ADDRESS)
    expect(() => limit.assertRoom(ADDRESS)).toThrow('Too many requests')
  })

  it('behaviour: zero is no limit', () => {
    const limit = createActLimit({ perMinute: 0 })
    for (let count = 0; count < 1_000; count++) limit.count(ADDRESS)
    expect(() => limit.assertRoom(ADDRESS)).not.toThrow()
  })
})
