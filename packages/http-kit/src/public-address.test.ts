import { describe, expect, it } from '@jest/globals'
import { isAllowed, isPublicAddress } from './public-address.ts'

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback, elsewhere in its range', '127.8.9.1'],
    ['loopback in IPv6', '::1'],
    ['loopback, mapped', '::ffff:127.0.0.1'],
    ['loopback, mapped in hex', '::ffff:7f00:1'],
    ['loopback, IPv4-compatible', '::127.0.0.1'],
    ['loopback, IPv4-compatible in hex', '::7f00:1'],
    ['loopback with a zone', '::1%lo'],
    ['IPv4-translated', '::ffff:0:127.0.0.1'],
    ['site-local', 'fec0::1'],
    ['never allocated', '4000::1'],
    ['private 10', '10.0.0.1'],
    ['private 172.16', '172.16.0.1'],
    ['private 192.168', '192.168.1.1'],
    ['private, mapped', '::ffff:192.168.1.1'],
    ['cloud metadata', '169.254.169.254'],
    ['cloud metadata in IPv6', 'fd00:ec2::254'],
    ['carrier NAT', '100.64.0.1'],
    ['unspecified', '0.0.0.0'],
    ['unspecified in IPv6', '::'],
    ['link-local IPv6', 'fe80::1'],
    ['unique local IPv6', 'fd12:3456::1'],
    ['multicast', '224.0.0.1'],
    ['multicast IPv6', 'ff02::1'],
    ['broadcast', '255.255.255.255'],
    ['NAT64 of a private address', '64:ff9b::10.0.0.1'],
    ['6to4 of a private address', '2002:0a00:0001::'],
    ['Teredo', '2001:0:53aa:64c::1'],
    ['documentation', '192.0.2.1'],
    ['benchmarking', '198.18.0.1'],
    ['no address at all', 'localhost'],
  ])('%s is not (%s)', (_what, address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})

describe('isAllowed', () => {
  it('matches a host with any port, or with the one named, in any casing', () => {
    expect(isAllowed(['Files.internal'], 'files.internal', 443)).toBe(true)
    expect(isAllowed(['127.0.0.1:5000'], '127.0.0.1', 5000)).toBe(true)
    expect(isAllowed(['127.0.0.1:5000'], '127.0.0.1', 5001)).toBe(false)
    expect(isAllowed(['[::1]:80', '::1:80'], '[::1]', 80)).toBe(true)
    expect(isAllowed([], 'files.internal', 443)).toBe(false)
  })
})
