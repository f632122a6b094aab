import { BlockList, isIPv6 } from 'node:net'

// What egress to public addresses leaves out, and so must stay silent: the cluster, the node, their neighbours, the metadata service.
const PRIVATE = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv6')
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

const familyOf = (host: string) => (isIPv6(host) ? 'ipv6' : 'ipv4')

/** Whether an IP address belongs to a network that is not public. */
export function isPrivateAddress(host: string): boolean {
  return PRIVATE.check(host, familyOf(host))
}

/** Whether an IP address is the pod itself. */
export function isLoopbackAddress(host: string): boolean {
  return LOOPBACK.check(host, familyOf(host))
}
