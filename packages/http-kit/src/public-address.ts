import ipaddr from 'ipaddr.js'

const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3')

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
  if (parsed.range() !== 'unicast') return false
  // Global IPv6 lies within 2000::/3. What is left outside has no meaning of its own, or embeds IPv4: `::127.0.0.1`.
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_IPV6)
}

/** Whether the operator allowed this host, with this port or with any, or every host. */
export function isAllowed(allowList: AllowList, host: string, port: number): boolean {
  const bare = host.toLowerCase().replace(/^\[|\]$/g, '')
  return allowList.some((entry) => ['*', bare, `${bare}:${port}`].includes(entry.toLowerCase()))
}
