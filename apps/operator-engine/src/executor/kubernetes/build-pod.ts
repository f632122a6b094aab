import type { StepName, StepSpec } from '../executor.ts'
import {
  AS_ROOT,
  OWN_TMP,
  USER_ID,
  buildAlgorithmResources,
  buildContainerSecurity,
  buildOwnResources,
} from './container-grants.ts'
import { STAGING_SECONDS, listInitContainers } from './init-containers.ts'
import { CLOSED_MOUNT, CLOSED_VOLUME, LAST_WORDS } from './last-words.ts'
import type { Container, PodSpec, Volume } from './manifest.ts'
import { MAIN_CONTAINER, buildClaimName } from './names.ts'
import { buildDns } from './network-access.ts'
import { buildAffinity, buildPlacement } from './placement.ts'
import type { PodRequest } from './pod-request.ts'
import type { ClusterEnvironment } from './settings.ts'
import { VOLUME_ROOT, buildStepMounts } from './volume-folders.ts'
import { MEASURE_VOLUME } from './volume-room.ts'

/** Where a step's private files are mounted. */
const FILES_FOLDER = '/step-files'

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

/**
 * The pod's deadline as it is made: kubelet counts from the pod's start, which is before its image is there and, for
 * an algorithm, before staging is complete. It is lowered once the command runs (`decideRemedy`).
 */
function firstDeadlineSeconds(spec: StepSpec, environment: ClusterEnvironment): number {
  const waitSeconds = environment.startSeconds + environment.sealSeconds
  const stagingSeconds = spec.kind === 'algorithm' ? STAGING_SECONDS : 0
  return spec.limits.maxDurationSeconds + spec.limits.graceSeconds + waitSeconds + stagingSeconds
}

function buildMainContainer(request: PodRequest): Container {
  const { environment, settings, spec, step } = request
  const isSealed = spec.kind === 'algorithm'
  const isGated = isSealed && settings.seal !== null
  return {
    name: MAIN_CONTAINER,
    image: imageOf(request),
    ...(environment.pullPolicy ? { imagePullPolicy: environment.pullPolicy } : {}),
    command: buildCommand(spec, step),
    env: Object.entries({
      VOLUME: VOLUME_ROOT,
      HOME: '/tmp',
      ...spec.env,
      ...(step === 'configure' ? { SEAL_MARK_ID: request.jobId, SEAL_CONTROL: settings.seal?.canary ?? '' } : {}),
      ...(request.filesSecret === null ? {} : { STEP_FILES: FILES_FOLDER }),
    }).map(([name, value]) => ({ name, value })),
    resources: isSealed ? buildAlgorithmResources(spec, environment) : buildOwnResources(spec.limits.memoryBytes),
    securityContext:
      environment.allowRootImages && step === 'publish'
        ? AS_ROOT
        : buildContainerSecurity(isSealed && environment.allowRootImages),
    ...(isGated ? { terminationMessagePath: LAST_WORDS } : {}),
    volumeMounts: [
      ...buildStepMounts(step),
      { name: 'tmp', mountPath: '/tmp' },
      ...(isGated ? [{ ...CLOSED_MOUNT, readOnly: true }] : []),
      ...(request.filesSecret === null ? [] : [{ name: 'files', mountPath: FILES_FOLDER, readOnly: true }]),
      ...(step === 'publish' && settings.resultsClaim
        ? [{ name: 'results', mountPath: settings.resultsClaim.folder }]
        : []),
    ],
  }
}

/** `exec` in all of them, so that exit codes and signals stay the program's own. */
function buildCommand(spec: StepSpec, step: StepName): string[] {
  // One stream for output and errors, as published algorithms know it.
  if (spec.kind === 'algorithm') return ['sh', '-c', 'exec "$@" 2>&1', 'sh', ...spec.command]
  if (step === 'publish') return ['sh', '-c', `${MEASURE_VOLUME}; exec "$@"`, 'sh', ...spec.command]
  return [...spec.command]
}

function imageOf({ settings, spec, step }: PodRequest): string {
  if (spec.kind === 'program') return step === 'publish' ? settings.images.publish : settings.images.configure
  if (!spec.image) throw new Error(`the ${step} step names no container image`)
  return spec.image
}

function listVolumes(request: PodRequest, step: StepName): Volume[] {
  const { environment, filesSecret, jobId, settings, spec } = request
  const tmp = spec.kind === 'algorithm' ? `${environment.tmpMB}Mi` : OWN_TMP
  return [
    { name: 'data', persistentVolumeClaim: { claimName: buildClaimName(jobId) } },
    { name: 'tmp', emptyDir: { sizeLimit: tmp } },
    ...(spec.kind === 'algorithm' && settings.seal ? [CLOSED_VOLUME] : []),
    ...(filesSecret === null ? [] : [{ name: 'files', secret: { secretName: filesSecret, defaultMode: 0o440 } }]),
    ...(step === 'publish' && settings.resultsClaim
      ? [{ name: 'results', persistentVolumeClaim: { claimName: settings.resultsClaim.name } }]
      : []),
  ]
}
