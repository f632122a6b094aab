import type { ConfigMap, Job, OwnerReference, PersistentVolumeClaim, PodSpec, Secret } from './manifest.ts'
import type { JobClaim, StepEndReason, StepName } from '../executor.ts'
import { buildPodSpec } from './build-pod.ts'
import { USER_ID, buildContainerSecurity } from './container-grants.ts'
import { JOB_CANARY } from './job-seal.ts'
import {
  ANNOTATION,
  LABEL,
  MAIN_CONTAINER,
  buildAnchorName,
  buildClaimName,
  buildFilesName,
  buildJobName,
  buildLabels,
  type Component,
} from './names.ts'
import { readEgress } from './network-access.ts'
import { buildPlacement } from './placement.ts'
import type { PodRequest } from './pod-request.ts'
import type { ClusterEnvironment } from './settings.ts'
import { buildEmptyCommand, buildFolderMounts, type VolumeFolder } from './volume-folders.ts'

/** The object that all others of a job belong to: deleting it deletes them, whoever does it. @param canary see `chooseSeal` */
export function buildAnchor(
  jobId: string,
  environment: ClusterEnvironment,
  { canary, claim }: { canary: string | undefined; claim: JobClaim | undefined },
): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: buildAnchorName(jobId),
      namespace: environment.namespace,
      labels: { ...buildLabels(jobId, environment.id), ...(claim ? { [LABEL.epoch]: String(claim.epoch) } : {}) },
      ...(claim ? { annotations: { [ANNOTATION.heldBy]: claim.by } } : {}),
    },
    data: { environment: environment.id, ...(canary === undefined ? {} : { [JOB_CANARY]: canary }) },
  }
}

/** What makes an object belong to a job's anchor. */
export function buildOwner(anchor: { name: string; uid: string }): OwnerReference[] {
  return [{ apiVersion: 'v1', kind: 'ConfigMap', name: anchor.name, uid: anchor.uid }]
}

/** The job's volume: one file system of the size its environment grants, on one node at a time. */
export function buildClaim(
  jobId: string,
  environment: ClusterEnvironment,
  owner: OwnerReference[],
): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: buildClaimName(jobId),
      namespace: environment.namespace,
      labels: buildLabels(jobId, environment.id),
      ownerReferences: owner,
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: String(environment.workspaceBytes) } },
      ...(environment.storageClass ? { storageClassName: environment.storageClass } : {}),
    },
  }
}

/** The private files of a step of ours, which nobody else mounts. @param files by name; bytes as they are */
export function buildFiles(
  { jobId, step, attempt, environment }: Pick<PodRequest, 'jobId' | 'step' | 'attempt' | 'environment'>,
  files: Readonly<Record<string, string | Buffer>>,
  owner: OwnerReference[],
): Secret {
  for (const name of Object.keys(files)) {
    if (!/^[A-Za-z0-9._-]+$/.test(name) || name === '.' || name === '..')
      throw new TypeError(`not a file name: ${name}`)
  }
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: buildFilesName(jobId, step, attempt),
      namespace: environment.namespace,
      labels: buildLabels(jobId, environment.id),
      ownerReferences: owner,
    },
    data: Object.fromEntries(
      Object.entries(files).map(([name, content]) => [name, Buffer.from(content).toString('base64')]),
    ),
  }
}

/** The Job of an attempt of a step: one pod, once. @param isHeld it makes none before it is released */
export function buildJob(request: PodRequest, owner: OwnerReference[], isHeld = false): Job {
  const { attempt, environment, jobId, spec, step } = request
  const pod = buildPodSpec(request)
  return buildBareJob({
    jobId,
    component: step,
    attempt,
    epoch: request.epoch,
    environment,
    owner,
    pod,
    podLabels: spec.kind === 'algorithm' ? { [LABEL.egress]: readEgress(spec, environment) } : {},
    annotations: {
      ...(isHeld ? { [ANNOTATION.held]: 'until configure has its place' } : {}),
      [ANNOTATION.logBytes]: String(spec.limits.logBytes),
      [ANNOTATION.maxDurationSeconds]: String(spec.limits.maxDurationSeconds),
      [ANNOTATION.graceSeconds]: String(spec.limits.graceSeconds),
    },
    // The last backstop, where there is neither an engine nor a node: far behind all others, as it takes the log with it.
    rest: {
      ...(isHeld ? { suspend: true } : {}),
      activeDeadlineSeconds: (pod.activeDeadlineSeconds ?? 0) + environment.placeSeconds + 600,
    },
  })
}

/** A Job that stands for an attempt which must never begin: held back, and saying why. */
export function buildNeverJob(
  attempt: { jobId: string; step: StepName; attempt: number; environment: ClusterEnvironment; image: string },
  reason: StepEndReason,
  owner: OwnerReference[],
): Job {
  return buildBareJob({
    ...attempt,
    component: attempt.step,
    owner,
    pod: buildOwnPod(attempt.image, ['true'], []),
    annotations: { [ANNOTATION.endReason]: reason },
    rest: { suspend: true },
  })
}

/** The Job that empties what was fetched for a job, and leaves the rest. */
export function buildDiscardJob(
  { jobId, environment, image }: { jobId: string; environment: ClusterEnvironment; image: string },
  owner: OwnerReference[],
): Job {
  const folders = ['inputs', 'transformations', 'ddos'] as const
  const pod = buildOwnPod(image, buildEmptyCommand(folders), folders)
  return buildBareJob({
    jobId,
    component: 'discard',
    attempt: 1,
    environment,
    owner,
    pod: {
      ...pod,
      ...buildPlacement(environment),
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: buildClaimName(jobId) } }],
    },
    rest: { activeDeadlineSeconds: environment.placeSeconds + environment.startSeconds },
  })
}

function buildBareJob(parts: {
  epoch?: string | undefined
  jobId: string
  component: Component
  attempt: number
  environment: ClusterEnvironment
  owner: OwnerReference[]
  pod: PodSpec
  podLabels?: Record<string, string>
  annotations?: Record<string, string>
  rest?: { suspend?: boolean; activeDeadlineSeconds?: number }
}): Job {
  const { annotations = {}, attempt, component, environment, jobId, podLabels = {} } = parts
  const labels = {
    ...buildLabels(jobId, environment.id),
    [LABEL.component]: component,
    [LABEL.attempt]: String(attempt),
    ...(parts.epoch === undefined ? {} : { [LABEL.epoch]: parts.epoch }),
  }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: buildJobName(jobId, component, attempt),
      namespace: environment.namespace,
      labels,
      annotations,
      ownerReferences: parts.owner,
    },
    spec: {
      // Only the engine retries (DESIGN §4.12), and a pod is replaced by nobody while it may still run.
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      template: { metadata: { labels: { ...labels, ...podLabels } }, spec: parts.pod },
      ...parts.rest,
    },
  }
}

/** A small pod of ours over some of the volume's folders. */
function buildOwnPod(image: string, command: string[], folders: readonly VolumeFolder[]): PodSpec {
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 1,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER_ID,
      runAsGroup: USER_ID,
      fsGroup: USER_ID,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: MAIN_CONTAINER,
        image,
        command,
        resources: {
          requests: { cpu: '50m', memory: '64Mi', 'ephemeral-storage': '16Mi' },
          limits: { cpu: '1', memory: '64Mi', 'ephemeral-storage': '16Mi' },
        },
        securityContext: buildContainerSecurity(false),
        volumeMounts: buildFolderMounts(Object.fromEntries(folders.map((folder) => [folder, 'rw' as const]))),
      },
    ],
  }
}
