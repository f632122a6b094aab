import type { Affinity, Container, PodSpec, ResourceRequirements, Volume, VolumeMount } from './manifest.ts'
import { SEAL_MARK } from '@c2d/contracts'
import type { StepName, StepSpec } from '../executor.ts'
import { EMPTY_CONTAINER, GATE_CONTAINER, LABEL, MAIN_CONTAINER, buildClaimName } from './names.ts'
import type { ClusterEnvironment, ClusterSettings } from './settings.ts'

/** Folders of a job's volume, each a sub-path of its own; `seal` is never seen by a stranger's code (DESIGN §5). */
export type VolumeFolder = 'inputs' | 'transformations' | 'ddos' | 'outputs' | 'logs' | 'adminlogs' | 'seal'

/** Where the volume's folders are mounted. */
export const VOLUME_ROOT = '/data'
/** Where our own pods find what only they may see of the volume. */
export const SEAL_FOLDER = `${VOLUME_ROOT}/${SEAL_MARK.folder}`
/** Where a step's private files are mounted. */
export const FILES_FOLDER = '/step-files'

/** Everybody's user: what an algorithm wrote, and closed to others, can still be published by us. */
export const USER_ID = 1000

/** What each step sees of the volume, and how. */
const MOUNTS: Record<StepName, Partial<Record<VolumeFolder, 'ro' | 'rw'>>> = {
  configure: { inputs: 'rw', transformations: 'rw', ddos: 'rw', outputs: 'rw', logs: 'rw', seal: 'rw' },
  algorithm: { inputs: 'ro', transformations: 'ro', ddos: 'ro', outputs: 'rw', logs: 'rw' },
  filter: { inputs: 'ro', transformations: 'ro', ddos: 'ro', outputs: 'rw', logs: 'ro' },
  // A file that its author closed to himself is opened again before it is published.
  publish: { outputs: 'rw', logs: 'rw', adminlogs: 'rw' },
}

/** What is emptied before a step is attempted again. */
export const WRITTEN_FOLDERS: Record<StepName, readonly VolumeFolder[]> = {
  configure: ['inputs', 'transformations', 'ddos', 'seal'],
  algorithm: ['outputs', 'logs'],
  filter: [],
  publish: [],
}

/** What our own pods use; what an environment grants algorithms does not starve them, nor do they take it. */
const OWN_CPU = { request: '100m', limit: '2' }
const OWN_EPHEMERAL = '256Mi'
const OWN_TMP = '64Mi'
const GATE_MEMORY = '128Mi'
const MIB = 1024 ** 2

/** How public names are resolved where an algorithm may reach public addresses, and nothing of the cluster. */
const PUBLIC_RESOLVERS = ['1.1.1.1', '8.8.8.8']

/** One attempt of a step, and where it runs. */
export interface PodRequest {
  jobId: string
  step: StepName
  attempt: number
  spec: StepSpec
  environment: ClusterEnvironment
  settings: Pick<ClusterSettings, 'images' | 'resultsClaim' | 'seal'>
  /** Name of the Secret with the step's private files; null where it has none. */
  filesSecret: string | null
  /** The node that ran the job's steps so far: its volume is there. */
  preferredNode: string | null
}

/** Whether a step of this spec may reach public addresses: every dataset allows it, and the environment does. */
export function readEgress(spec: StepSpec, environment: ClusterEnvironment): 'none' | 'public' {
  return spec.allowNetworkAccess === true && environment.allowNetworkAccess ? 'public' : 'none'
}

/**
 * The pod of a step (DESIGN §5): the `restricted` profile, nothing mounted but what the step needs, read-only where it
 * reads, no credentials of ours but a program's own files, and before a stranger's code the seal gate.
 * @throws Error when no image is named for an algorithm
 */
export function buildPodSpec(request: PodRequest): PodSpec {
  const { environment, spec, step } = request
  const isSealed = spec.kind === 'algorithm'
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: spec.limits.graceSeconds,
    activeDeadlineSeconds: firstDeadlineSeconds(spec, environment),
    securityContext: {
      // What makes a volume's folders writable for us where its driver knows ownership; others come open.
      fsGroup: USER_ID,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
      ...(environment.allowRootImages && spec.kind === 'algorithm'
        ? {}
        : { runAsNonRoot: true, runAsUser: USER_ID, runAsGroup: USER_ID }),
    },
    ...(isSealed && environment.runtimeClass ? { runtimeClassName: environment.runtimeClass } : {}),
    ...buildPlacement(environment),
    affinity: buildAffinity(request),
    ...buildDns(spec, environment),
    ...listInitContainers(request),
    containers: [buildMainContainer(request)],
    volumes: listVolumes(request, step),
  }
}

/** Where pods of an environment go, at what rank, and with whose registry credentials. */
export function buildPlacement(
  environment: ClusterEnvironment,
): Pick<PodSpec, 'nodeSelector' | 'tolerations' | 'priorityClassName' | 'imagePullSecrets'> {
  return {
    ...(Object.keys(environment.nodeSelector).length > 0 ? { nodeSelector: environment.nodeSelector } : {}),
    // A node that is gone is given up sooner than after the cluster's five minutes.
    tolerations: [
      ...['not-ready', 'unreachable'].map((state) => ({
        key: `node.kubernetes.io/${state}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 60,
      })),
      ...environment.tolerations.map(dropUndefined),
    ],
    ...(environment.priorityClass ? { priorityClassName: environment.priorityClass } : {}),
    ...(environment.imagePullSecrets.length > 0
      ? { imagePullSecrets: environment.imagePullSecrets.map((name) => ({ name })) }
      : {}),
  }
}

/**
 * The pod's deadline as it is made: kubelet counts from the pod's start, which is before its image is there and, for
 * an algorithm, before staging is complete. It is lowered once the command runs (`decideRemedy`).
 */
function firstDeadlineSeconds(spec: StepSpec, environment: ClusterEnvironment): number {
  const waitSeconds = environment.startSeconds + environment.sealSeconds
  const stagingSeconds = spec.kind === 'algorithm' ? STAGING_SECONDS : 0
  return spec.limits.maxDurationSeconds + spec.limits.graceSeconds + waitSeconds + stagingSeconds
}

/** How long a gate waits for staging at most, in seconds: as long as the engine lets staging take. */
export const STAGING_SECONDS = 3_600

function buildMainContainer(request: PodRequest): Container {
  const { environment, settings, spec, step } = request
  const isSealed = spec.kind === 'algorithm'
  const mounts = MOUNTS[step]
  return {
    name: MAIN_CONTAINER,
    image: imageOf(request),
    ...(environment.pullPolicy ? { imagePullPolicy: environment.pullPolicy } : {}),
    // One stream for output and errors, as published algorithms know it; `exec`, so that exit codes and signals stay theirs.
    command: isSealed ? ['sh', '-c', 'exec "$@" 2>&1', 'sh', ...spec.command] : [...spec.command],
    env: Object.entries({
      VOLUME: VOLUME_ROOT,
      HOME: '/tmp',
      ...spec.env,
      ...(step === 'configure' ? { SEAL_MARK_ID: request.jobId, SEAL_CONTROL: settings.seal?.canary ?? '' } : {}),
      ...(request.filesSecret === null ? {} : { STEP_FILES: FILES_FOLDER }),
    }).map(([name, value]) => ({ name, value })),
    resources: isSealed ? algorithmResources(spec, environment) : ownResources(spec.limits.memoryBytes),
    securityContext:
      environment.allowRootImages && step === 'publish'
        ? AS_ROOT
        : buildContainerSecurity(isSealed && environment.allowRootImages),
    volumeMounts: [
      ...volumeMounts(mounts),
      { name: 'tmp', mountPath: '/tmp' },
      ...(request.filesSecret === null ? [] : [{ name: 'files', mountPath: FILES_FOLDER, readOnly: true }]),
      ...(step === 'publish' && settings.resultsClaim
        ? [{ name: 'results', mountPath: settings.resultsClaim.folder }]
        : []),
    ],
  }
}

function imageOf({ settings, spec, step }: PodRequest): string {
  if (spec.kind === 'program') return step === 'publish' ? settings.images.publish : settings.images.configure
  if (!spec.image) throw new Error(`the ${step} step names no container image`)
  return spec.image
}

function listInitContainers(request: PodRequest): { initContainers?: Container[] } {
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
      resources: ownResources(64 * MIB),
      volumeMounts: volumeMounts(Object.fromEntries(written.map((folder) => [folder, 'rw' as const]))),
    })
  }
  if (spec.kind === 'algorithm' && settings.seal) containers.push({ ...ours, ...buildGate(request, settings.seal) })
  return containers.length > 0 ? { initContainers: containers } : {}
}

/** The seal gate (DESIGN §4.14): same network as the algorithm, before it; its last words are the receipt. */
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
    command: [
      'node',
      '/app/seal-gate.mjs',
      ...Object.entries(flags).flat(),
      ...(environment.allowNodeAccess ? ['--allow-node'] : []),
      ...seal.probes.flatMap((probe) => ['--try', probe]),
    ],
    env: [{ name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }],
    resources: {
      requests: { cpu: '50m', memory: GATE_MEMORY, 'ephemeral-storage': OWN_EPHEMERAL },
      limits: { cpu: OWN_CPU.limit, memory: GATE_MEMORY, 'ephemeral-storage': OWN_EPHEMERAL },
    },
    volumeMounts: volumeMounts({ seal: 'ro' }),
  }
}

/** Empties folders that somebody else may have closed to himself; their own permissions and mount points stay. */
export function buildEmptyCommand(folders: readonly VolumeFolder[]): string[] {
  const paths = folders.map((folder) => `${VOLUME_ROOT}/${folder}`)
  const script = 'for f in "$@"; do chmod -R u+rwX "$f"/* 2>/dev/null; find "$f" -mindepth 1 -delete || exit 1; done'
  return ['sh', '-c', script, 'sh', ...paths]
}

function volumeMounts(folders: Partial<Record<VolumeFolder, 'ro' | 'rw'>>): VolumeMount[] {
  return Object.entries(folders).map(([folder, mode]) => ({
    name: 'data',
    mountPath: `${VOLUME_ROOT}/${folder}`,
    subPath: folder,
    ...(mode === 'ro' ? { readOnly: true } : {}),
  }))
}

function listVolumes(request: PodRequest, step: StepName): Volume[] {
  const { environment, filesSecret, jobId, settings, spec } = request
  const tmp = spec.kind === 'algorithm' ? `${environment.tmpMB}Mi` : OWN_TMP
  return [
    { name: 'data', persistentVolumeClaim: { claimName: buildClaimName(jobId) } },
    { name: 'tmp', emptyDir: { sizeLimit: tmp } },
    ...(filesSecret === null ? [] : [{ name: 'files', secret: { secretName: filesSecret, defaultMode: 0o440 } }]),
    ...(step === 'publish' && settings.resultsClaim
      ? [{ name: 'results', persistentVolumeClaim: { claimName: settings.resultsClaim.name } }]
      : []),
  ]
}

/** Requests are limits: nothing is promised twice, and nobody takes more than was promised. */
function algorithmResources(spec: StepSpec, environment: ClusterEnvironment): ResourceRequirements {
  const amounts = {
    cpu: String(environment.cpuNumber),
    memory: String(spec.limits.memoryBytes),
    'ephemeral-storage': `${Math.max(environment.ephemeralMB, environment.tmpMB)}Mi`,
    ...(environment.gpuNumber > 0 ? { [environment.gpuResource]: String(environment.gpuNumber) } : {}),
  }
  return { requests: amounts, limits: amounts }
}

function ownResources(memoryBytes: number): ResourceRequirements {
  const amounts = { memory: String(memoryBytes), 'ephemeral-storage': OWN_EPHEMERAL }
  return { requests: { ...amounts, cpu: OWN_CPU.request }, limits: { ...amounts, cpu: OWN_CPU.limit } }
}

/** Ours, over files of users that nobody knows beforehand: reads and empties what any of them left. */
const AS_ROOT: NonNullable<Container['securityContext']> = {
  ...buildContainerSecurity(false),
  capabilities: { drop: ['ALL'], add: ['DAC_OVERRIDE', 'FOWNER'] },
  runAsNonRoot: false,
  runAsUser: 0,
}

function buildContainerSecurity(allowRoot: boolean): NonNullable<Container['securityContext']> {
  return {
    allowPrivilegeEscalation: false,
    privileged: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: !allowRoot,
  }
}

/** Pods of a job that exist at the same time share a node, for the volume's sake; later ones go where it is, if they can. */
function buildAffinity({ jobId, preferredNode }: PodRequest): Affinity {
  return {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { [LABEL.workflow]: jobId } }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
    ...(preferredNode === null
      ? {}
      : {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              {
                weight: 100,
                preference: {
                  matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [preferredNode] }],
                },
              },
            ],
          },
        }),
  }
}

/**
 * Where an algorithm may go out it asks public resolvers, never one of ours. Where it may not, it keeps the cluster's
 * only so that the gate finds it and shows that it is silent; a question to it fails after a second.
 */
function buildDns(spec: StepSpec, environment: ClusterEnvironment): Pick<PodSpec, 'dnsPolicy' | 'dnsConfig'> {
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

function dropUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
