import { isIP } from 'node:net'
import { formatAddress } from './parse-address.ts'
import { isLoopbackAddress, isPrivateAddress } from './private-address.ts'
import type { GateOptions, Target } from './gate-options.ts'

const KUBELET_PORT = 10_250
const DNS_PORT = 53
/** What fits into a termination message of 4096 bytes. */
const MAX_TARGETS = 30

/** What a pod finds about where it runs. */
export interface PodFacts {
  apiServerHost: string | undefined
  apiServerPort: string | undefined
  hostIp: string | undefined
  /** Text of /etc/resolv.conf. */
  resolvConf: string
}

/**
 * Every address that must be silent (DESIGN §4.14), once each. Left out: the node where it may answer, addresses of public networks
 * where the job has egress to these, and the pod itself.
 * @throws Error when there are more than a receipt can name
 */
export function chooseTargets(
  options: Pick<GateOptions, 'targets' | 'control' | 'egress' | 'allowNode'>,
  facts: PodFacts,
): Target[] {
  const { apiServerHost, apiServerPort, hostIp } = facts
  const found: Target[] = [
    { name: 'canary', protocol: 'tcp', ...options.control },
    ...(apiServerHost
      ? [{ name: 'api-server', protocol: 'tcp' as const, host: apiServerHost, port: Number(apiServerPort ?? 443) }]
      : []),
    ...(hostIp ? [{ name: 'node', protocol: 'tcp' as const, host: hostIp, port: KUBELET_PORT }] : []),
    ...parseNameservers(facts.resolvConf).flatMap((host) => [
      { name: 'dns', protocol: 'dns' as const, host, port: DNS_PORT },
      { name: 'dns', protocol: 'tcp' as const, host, port: DNS_PORT },
    ]),
    ...options.targets,
  ]
  const byKey = new Map<string, Target>()
  for (const target of found) {
    const { host, protocol } = target
    if (isIP(host) === 0 || isLoopbackAddress(host)) continue
    if (options.egress === 'public' && !isPrivateAddress(host)) continue
    if (options.allowNode && host === hostIp) continue
    const key = `${protocol} ${formatAddress(target)}`
    if (!byKey.has(key)) byKey.set(key, target)
  }
  if (byKey.size > MAX_TARGETS) throw new Error(`more than ${MAX_TARGETS} addresses to try`)
  return [...byKey.values()]
}

function parseNameservers(resolvConf: string): string[] {
  return resolvConf.split('\n').flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
}
