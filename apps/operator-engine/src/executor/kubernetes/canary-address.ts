import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { z } from 'zod'

const IPV4 = String.raw`\d{1,3}(?:\.\d{1,3}){3}`
const IPV6 = String.raw`\[[0-9a-fA-F:.]+\]`
const NAME = String.raw`[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?`

/** Where pods reach the canary: an IP address or a name, and a port. */
export const canaryAddressSchema = z
  .string()
  .regex(new RegExp(`^(?:${IPV4}|${IPV6}|${NAME}):\\d{1,5}$`), 'must be an IP address or a name, and a port')

/** An IP address and a port as one text. */
export function formatAddress(ip: string, port: number | string): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

/**
 * The `ip:port` that pods try: what is sealed has no DNS, so a name is resolved by the engine, once. It should be that of a
 * Service, whose address stays.
 * @param address see `canaryAddressSchema`
 * @throws Error of Node when nobody knows the name (yet)
 */
export async function resolveCanary(address: string): Promise<string> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon)
  if (host.startsWith('[') || isIP(host) !== 0) return address
  const found = await lookup(host)
  return formatAddress(found.address, address.slice(colon + 1))
}
