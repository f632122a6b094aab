import { describe, expect, it } from '@jest/globals'
import { canaryAddressSchema, resolveCanary } from './canary-address.ts'

describe('the address of the canary', () => {
  it.each(['10.0.0.1:8061', '[fd00::1]:8061', 'engine-canary:8061', 'engine-canary.c2d.svc.cluster.local:8061'])(
    'behaviour: %s says where it is',
    (address) => {
      expect(canaryAddressSchema.safeParse(address).success).toBe(true)
    },
  )

  it.each([
    '10.0.0.1',
    'http://10.0.0.1:8061',
    'engine-canary',
    'a b:1',
    ':8061',
    '-x:8061',
    'fd00::1:8061',
    'x:123456',
  ])('error: %s does not', (address) => {
    expect(canaryAddressSchema.safeParse(address).success).toBe(false)
  })

  it('behaviour: an IP address is what pods try, as it is', async () => {
    expect(await resolveCanary('10.0.0.1:8061')).toBe('10.0.0.1:8061')
    expect(await resolveCanary('[fd00::1]:8061')).toBe('[fd00::1]:8061')
  })

  it('behaviour: a name is resolved, as a sealed pod has no DNS', async () => {
    expect(await resolveCanary('localhost:8061')).toMatch(/^(127\.0\.0\.1|\[::1\]):8061$/)
  })

  it('error: a name that nobody knows says so', async () => {
    await expect(resolveCanary('nobody-has-this.invalid:8061')).rejects.toThrow('nobody-has-this.invalid')
  })
})
