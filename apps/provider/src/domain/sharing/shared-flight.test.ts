import { describe, expect, it } from '@jest/globals'
import { createSharedFlight } from './shared-flight.ts'

describe('a shared flight', () => {
  it('is one load for all who ask meanwhile, and another for who asks later', async () => {
    const share = createSharedFlight<number>()
    let loads = 0
    const load = async () => {
      await Promise.resolve()
      return ++loads
    }
    expect(await Promise.all([share('a', load), share('a', load), share('b', load)])).toEqual([1, 1, 2])
    expect(await share('a', load)).toBe(3)
  })

  it('error: a failure is everybody’s who shared it, and nobody’s after', async () => {
    const share = createSharedFlight<string>()
    const fail = () => Promise.reject(new Error('down'))
    const shared = await Promise.allSettled([share('a', fail), share('a', fail)])
    expect(shared.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await share('a', () => Promise.resolve('up'))).toBe('up')
  })
})
