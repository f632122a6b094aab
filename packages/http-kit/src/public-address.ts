import ipaddr from 'ipaddr.js'

/** `host` or `host:port` entries an operator allows although they are not public; `*` allows every address. */
export type AllowList = readonly string[]

/**
 * Whether an address is one of the public internet: not loopback, private, link-local, multicast, carrier NAT,
 * metadata or reserved, in IPv4, IPv6 or a mapped form (DESIGN §4.8).
 * @param address a literal address, as a resolver gives it
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address) // unwraps ::ffff:a.b.c.d
  if (parsed.kind() === 'ipv6') {
    const range = parsed.range()
    return range === 'unicast'
  }
  return parsed.range() === 'unicast'
}

/** Whether the operator allowed this host, with this port or with any, or every host. */
export function isAllowed(allowList: AllowList, host: string, port: number): boolean {
  const bare = host.toLowerCase().replace(/^\[|\]$/g, '')
  return allowList.some((entry) => ['*', bare, `${bare}:${port}`].includes(entry.toLowerCase()))
}
