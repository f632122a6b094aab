import type { Affinity, PodSpec } from './manifest.ts'
import { LABEL } from './names.ts'
import type { PodRequest } from './pod-request.ts'
import type { ClusterEnvironment } from './settings.ts'

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

/** Pods of a job that exist at the same time share a node, for the volume's sake; later ones go where it is, if they can. */
export function buildAffinity({ jobId, preferredNode }: Pick<PodRequest, 'jobId' | 'preferredNode'>): Affinity {
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

function dropUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
