import { describe, expect, it } from '@jest/globals'
import { buildGatewayAddress } from './gateway-address.ts'

const build = (identifier: string, base = 'https://gateway.example') =>
  buildGatewayAddress(identifier, { base, prefix: '/ipfs', pattern: /^id[0-9]+$/ }).href

describe('buildGatewayAddress', () => {
  it.each([
    ['the root of a host', 'https://gateway.example', 'https://gateway.example/ipfs/id1'],
    ['a path', 'https://gateway.example/sub/', 'https://gateway.example/sub/ipfs/id1'],
    ['a path that is the prefix', 'https://gateway.example/ipfs', 'https://gateway.example/ipfs/id1'],
    ['a key in the query', 'https://gateway.example/?key=k', 'https://gateway.example/ipfs/id1?key=k'],
  ])('stands below a gateway that is %s', (_what, base, want) => {
    expect(build('id1', base)).toBe(want)
  })

  it.each([
    ['id1/folder/wages.csv', 'https://gateway.example/ipfs/id1/folder/wages.csv'],
    ['id1/wages 1985.csv', 'https://gateway.example/ipfs/id1/wages%201985.csv'],
    ['id1/wages%201985.csv', 'https://gateway.example/ipfs/id1/wages%201985.csv'],
    ['id1/why%3F.csv', 'https://gateway.example/ipfs/id1/why%3F.csv'],
  ])('takes a path within the identifier along (%s)', (identifier, want) => {
    expect(build(identifier)).toBe(want)
  })

  it.each([
    [''],
    ['nothing'],
    ['https://evil.example/id1'],
    ['//evil.example/id1'],
    ['/id1'],
    ['../id1'],
    ['id1/..'],
    ['id1/../../admin'],
    ['id1/./x'],
    ['id1/%2e%2e/%2E./admin'],
    ['id1/..%2f..%2fadmin'],
    ['id1/..\\admin'],
    ['id1/..%5cadmin'],
    ['id1//x'],
    ['id1/'],
    ['id1?x=1'],
    ['id1/x?y=1'],
    ['id1#x'],
    ['id1/x#y'],
    ['id1%00'],
    ['id1/%00'],
    ['id1/a\nb'],
    ['id1/100%'],
    ['id1@evil.example'],
    ['id1\n'],
  ])('error: an identifier that would leave the gateway is refused (%j)', (identifier) => {
    expect(() => build(identifier)).toThrow(expect.objectContaining({ code: 'FilesUnavailable' }))
  })

  it('error: the refusal does not repeat the identifier', () => {
    expect(() => build('secret')).toThrow(expect.not.objectContaining({ detail: expect.stringContaining('secret') }))
  })
})
