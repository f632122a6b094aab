import type { StepSpec } from '../executor.ts'
import type { PodSpec } from './manifest.ts'
import type { ClusterEnvironment } from './settings.ts'

/** How public names are resolved where an algorithm may reach public addresses, and nothing of the cluster. */
const PUBLIC_RESOLVERS = ['1.1.1.1', '8.8.8.8']

/** Whether a step of this spec may reach public addresses: every dataset allows it, and the environment does. */
export function readEgress(spec: StepSpec, environment: ClusterEnvironment): 'none' | 'public' {
  return spec.allowNetworkAccess === true && environment.allowNetworkAccess ? 'public' : 'none'
}

/**
 * Where an algorithm may go out it asks public resolvers, never one of ours. Where it may not, it keeps the cluster's
 * only so that the gate finds it and shows that it is silent; a question to it fails after a second.
 */
export function buildDns(spec: StepSpec, environment: ClusterEnvironment): Pick<PodSpec, 'dnsPolicy' | 'dnsConfig'> {
  if (spec.kind === 'program') return { dnsPolicy: 'ClusterFirst' }
  if (readEgress(spec, environment) === 'public') {
    return { dnsPolicy: 'None', dnsConfig: { nameservers: PUBLIC_RESOLVERS } }
  }
  const options = [
    { name: 'timeout', value: '1' },
    { name: 'attempts', value: '1' },
  ]
  return { dnsPolicy: 'ClusterFirst', dnsConfig: { options } }
}
