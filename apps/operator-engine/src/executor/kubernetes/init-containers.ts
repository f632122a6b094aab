import { SEAL_MARK } from '@c2d/contracts'
import { AS_ROOT, USER_ID, buildContainerSecurity, buildOwnResources } from './container-grants.ts'
import { CLOSED_MOUNT, GATE_USER_ID, buildHidingCommand } from './last-words.ts'
import type { Container, PodSpec } from './manifest.ts'
import { EMPTY_CONTAINER, GATE_CONTAINER } from './names.ts'
import { readEgress } from './network-access.ts'
import type { PodRequest } from './pod-request.ts'
import type { ClusterSettings } from './settings.ts'
import { SEAL_FOLDER, WRITTEN_FOLDERS, buildEmptyCommand, buildFolderMounts } from './volume-folders.ts'

const MIB = 1024 ** 2
const EMPTY_MEMORY_BYTES = 64 * MIB
const GATE_MEMORY_BYTES = 128 * MIB

/** How long a gate waits for staging at most, in seconds: as long as the engine lets staging take. */
export const STAGING_SECONDS = 3_600

/** What runs before a step's own command: emptied folders for another attempt, and the seal gate before strangers' code. */
export function listInitContainers(request: PodRequest): Pick<PodSpec, 'initContainers'> {
  const { attempt, environment, settings, spec, step } = request
  const written = WRITTEN_FOLDERS[step]
  const ours = {
    image: settings.images.configure,
    ...(environment.pullPolicy ? { imagePullPolicy: environment.pullPolicy } : {}),
    securityContext: { ...buildContainerSecurity(false), runAsNonRoot: true, runAsUser: USER_ID, runAsGroup: USER_ID },
  }
  const containers: Container[] = []
  if (attempt > 1 && written.length > 0) {
    containers.push({
      ...ours,
      ...(environment.allowRootImages ? { securityContext: AS_ROOT } : {}),
      name: EMPTY_CONTAINER,
      command: buildEmptyCommand(written),
      resources: buildOwnResources(EMPTY_MEMORY_BYTES),
      volumeMounts: buildFolderMounts(Object.fromEntries(written.map((folder) => [folder, 'rw' as const]))),
    })
  }
  if (spec.kind === 'algorithm' && settings.seal) containers.push({ ...ours, ...buildGate(request, settings.seal) })
  return containers.length > 0 ? { initContainers: containers } : {}
}

/** The seal gate (DESIGN §4.14): same network as the algorithm, before it; its own last words are the receipt. */
function buildGate(
  { environment, jobId, spec }: PodRequest,
  seal: NonNullable<ClusterSettings['seal']>,
): Omit<Container, 'image'> {
  const markFile = `${SEAL_FOLDER}/${SEAL_MARK.file}`
  const flags: Record<string, string> = {
    '--control': seal.canary,
    '--mark': markFile,
    '--mark-id': jobId,
    '--egress': readEgress(spec, environment),
    '--timeout': String(environment.sealSeconds),
    '--wait': String(STAGING_SECONDS),
  }
  return {
    name: GATE_CONTAINER,
    command: buildHidingCommand([
      'node',
      '/app/seal-gate.mjs',
      ...Object.entries(flags).flat(),
      ...(environment.allowNodeAccess ? ['--allow-node'] : []),
      ...seal.probes.flatMap((probe) => ['--try', probe]),
    ]),
    securityContext: {
      ...buildContainerSecurity(false),
      runAsNonRoot: true,
      runAsUser: GATE_USER_ID,
      runAsGroup: USER_ID,
    },
    env: [{ name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }],
    resources: buildOwnResources(GATE_MEMORY_BYTES, '50m'),
    volumeMounts: [...buildFolderMounts({ seal: 'ro' }), CLOSED_MOUNT],
  }
}
