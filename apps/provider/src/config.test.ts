import { describe, expect, it } from '@jest/globals'
import { authTokenSecretOf, loadProviderConfig, universalKeyOf, valueForChain } from './config.ts'

const KEY = `0x${'01'.repeat(32)}`

const env = (changes: Record<string, string> = {}): Record<string, string> => ({
  DATABASE_URL: 'postgres://provider@localhost/provider',
  NETWORK_URL: 'http://127.0.0.1:8545',
  PROVIDER_PRIVATE_KEY: KEY,
  ADDRESS_FILE: '/address.json',
  ...changes,
})

describe('the configuration', () => {
  it('reads one network with the defaults of the reference', () => {
    const config = loadProviderConfig(env())
    expect(config).toMatchObject({
      OCEAN_PROVIDER_URL: { host: '0.0.0.0', port: 8030 },
      MAX_CHECKSUM_LENGTH: 5_242_880,
      REQUEST_TIMEOUT: 10,
      TRUST_LISTS: 'private',
      NONCE_WINDOW: '10000',
      ALLOW_NON_PUBLIC_IP: false,
    })
    expect(universalKeyOf(config)).toBe(KEY)
  })

  it('error: a rule about several variables is told together with what is wrong with others', () => {
    const networks = JSON.stringify({ 1: 'http://127.0.0.1:8545' })
    expect(() => loadProviderConfig(env({ NETWORK_URL: networks, MAX_STREAMS: 'x' }))).toThrow(
      /MAX_STREAMS[\s\S]*NETWORK_URL: .*must both be single/,
    )
  })

  it('shows no key when it is printed', () => {
    expect(JSON.stringify(loadProviderConfig(env()))).not.toContain(KEY)
  })

  it('behaviour: the secret of auth tokens is the configured one, else derived from the key in any spelling', () => {
    const derived = authTokenSecretOf(loadProviderConfig(env()))
    expect(derived).toHaveLength(32)
    expect(Buffer.from(derived).toString('hex')).not.toContain('0101')
    expect(authTokenSecretOf(loadProviderConfig(env({ PROVIDER_PRIVATE_KEY: '01'.repeat(32) })))).toEqual(derived)
    const secret = 'a secret that only this provider has'
    expect(authTokenSecretOf(loadProviderConfig(env({ AUTH_TOKEN_SECRET: secret })))).toEqual(Buffer.from(secret))
  })

  it('reads networks and keys by chain', () => {
    const config = loadProviderConfig(
      env({
        NETWORK_URL: '{"1":"http://a","137":"http://b"}',
        PROVIDER_PRIVATE_KEY: `{"1":"${KEY}","137":"k"}`,
        UNIVERSAL_PRIVATE_KEY: 'u',
      }),
    )
    expect(valueForChain(config.NETWORK_URL, 137)).toEqual(['http://b'])
    expect(universalKeyOf(config)).toBe('u')
  })

  it('reads several endpoints of a chain, for one chain and by chain', () => {
    expect(loadProviderConfig(env({ NETWORK_URL: '["http://a","http://b"]' })).NETWORK_URL).toEqual({
      kind: 'single',
      value: ['http://a', 'http://b'],
    })
    const several = env({
      NETWORK_URL: '{"1":["http://a","http://b"],"137":"http://c"}',
      PROVIDER_PRIVATE_KEY: `{"1":"${KEY}","137":"k"}`,
      UNIVERSAL_PRIVATE_KEY: 'u',
    })
    const { NETWORK_URL: networks } = loadProviderConfig(several)
    expect([1, 137].map((id) => valueForChain(networks, id))).toEqual([['http://a', 'http://b'], ['http://c']])
  })

  it.each([
    ['a bind address with a scheme', 'http://127.0.0.1:9030', { host: '127.0.0.1', port: 9030 }],
    ['a bind address without a port', 'localhost', { host: 'localhost', port: 8030 }],
  ])('reads %s', (_title, text, expected) => {
    expect(loadProviderConfig(env({ OCEAN_PROVIDER_URL: text })).OCEAN_PROVIDER_URL).toEqual(expected)
  })

  it.each([
    [
      'a network map beside a single key',
      { NETWORK_URL: '{"1":"http://a"}' },
      /must both be single or both json encoded/,
    ],
    [
      'keys by chain without a universal one',
      { NETWORK_URL: '{"1":"http://a"}', PROVIDER_PRIVATE_KEY: `{"1":"${KEY}"}` },
      /Must define UNIVERSAL_PRIVATE_KEY/,
    ],
    [
      'a chain without a key',
      { NETWORK_URL: '{"1":"http://a"}', PROVIDER_PRIVATE_KEY: `{"2":"${KEY}"}`, UNIVERSAL_PRIVATE_KEY: 'u' },
      /has no key for chain 1/,
    ],
    ['a map that is no JSON', { NETWORK_URL: '{1' }, /NETWORK_URL/],
    ['a list without endpoints', { NETWORK_URL: '[]' }, /NETWORK_URL/],
    ['a short secret of auth tokens', { AUTH_TOKEN_SECRET: 'short' }, /AUTH_TOKEN_SECRET: must have 32 characters/],
    ['an unknown way to read trust lists', { TRUST_LISTS: 'open' }, /TRUST_LISTS/],
  ])('error: %s', (_title, changes, message) => {
    expect(() => loadProviderConfig(env(changes))).toThrow(message)
  })
})
