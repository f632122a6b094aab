import type { StepSpec } from '../executor.ts'
import type { Container, ResourceRequirements } from './manifest.ts'
import type { ClusterEnvironment } from './settings.ts'

/** Everybody's user: what an algorithm wrote, and closed to others, can still be published by us. */
export const USER_ID = 1000

/** What our own pods use; what an environment grants algorithms does not starve them, nor do they take it. */
const OWN_CPU = { request: '100m', limit: '2' }
const OWN_EPHEMERAL = '256Mi'
/** Size of `/tmp` in pods of ours. */
export const OWN_TMP = '64Mi'

/** Requests are limits: nothing is promised twice, and nobody takes more than was promised. */
export function buildAlgorithmResources(spec: StepSpec, environment: ClusterEnvironment): ResourceRequirements {
  const amounts = {
    cpu: String(environment.cpuNumber),
    memory: String(spec.limits.memoryBytes),
    'ephemeral-storage': `${Math.max(environment.ephemeralMB, environment.tmpMB)}Mi`,
    ...(environment.gpuNumber > 0 ? { [environment.gpuResource]: String(environment.gpuNumber) } : {}),
  }
  return { requests: amounts, limits: amounts }
}

/** What a container of ours is granted. @param cpu what it is sure of */
export function buildOwnResources(memoryBytes: number, cpu = OWN_CPU.request): ResourceRequirements {
  const amounts = { memory: String(memoryBytes), 'ephemeral-storage': OWN_EPHEMERAL }
  return { requests: { ...amounts, cpu }, limits: { ...amounts, cpu: OWN_CPU.limit } }
}

/** Ours, over files of users that nobody knows beforehand: reads and empties what any of them left. */
export const AS_ROOT: NonNullable<Container['securityContext']> = {
  ...buildContainerSecurity(false),
  capabilities: { drop: ['ALL'], add: ['DAC_OVERRIDE', 'FOWNER'] },
  runAsNonRoot: false,
  runAsUser: 0,
}

/** What no container may, whoever's it is. @param allowRoot whether its root file system may be written to */
export function buildContainerSecurity(allowRoot: boolean): NonNullable<Container['securityContext']> {
  return {
    allowPrivilegeEscalation: false,
    privileged: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: !allowRoot,
  }
}
