import { portSchema } from '@c2d/runtime'
import { z } from 'zod'
import { canaryAddressSchema, formatAddress } from './canary-address.ts'

const nameSchema = z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'must be a name of a Kubernetes object')

const tolerationSchema = z.object({
  key: z.string().optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.number().int().nonnegative().optional(),
})

/** What an environment may say about the cluster its jobs run in: the object `kubernetes` of an entry of ENVIRONMENTS. */
export const environmentPlacementSchema = z.object({
  /** Namespace of its jobs; absent: the environment's id, as in the original. */
  namespace: nameSchema.optional(),
  /** Sandbox of algorithms and filters: the name of a RuntimeClass, e.g. gVisor's. */
  runtimeClass: nameSchema.optional(),
  nodeSelector: z.record(z.string(), z.string()).default({}),
  tolerations: z.array(tolerationSchema).default([]),
  priorityClass: nameSchema.optional(),
  /** Class of the jobs' volumes; absent: the cluster's default. */
  storageClass: nameSchema.optional(),
  /** What a GPU is called here; requested where the environment's `gpuNumber` is above 0. */
  gpuResource: z.string().default('nvidia.com/gpu'),
  imagePullSecrets: z.array(nameSchema).default([]),
  pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).optional(),
  /** Whether algorithms may reach public addresses where every dataset of the job allows it. */
  allowNetworkAccess: z.boolean().default(true),
  /** Whether a network plugin that always lets a pod reach its own node is good enough (DESIGN §4.14). */
  allowNodeAccess: z.boolean().default(false),
  /** Whether images that must run as root, or need a writable root, are run at all. */
  allowRootImages: z.boolean().default(false),
  /** Whether the algorithm's pod is made together with the configure pod; off where a waiting pod holds a scarce device. */
  startEarly: z.boolean().default(true),
  /** Size of an algorithm's `/tmp`, in MiB. */
  tmpMB: z.number().int().positive().default(256),
  /** What its `/tmp` and its log together may take of the node's own disk, in MiB. */
  ephemeralMB: z.number().int().positive().default(512),
  /**
   * Seconds a pod may wait for a place before the step is given up. By default longer than schedulers take to look again at
   * what they have no reason to look at (five minutes and a half): the event they missed may have been ours.
   */
  placeSeconds: z.number().int().positive().default(360),
  /** Seconds a pod that has a place may need for volumes, images and containers before the step is given up. */
  startSeconds: z.number().int().positive().default(900),
  /** Seconds after which a pod that was deleted, and does not go, is given up with its node. */
  lostSeconds: z.number().int().positive().default(300),
  /** Seconds the network has to become sealed. */
  sealSeconds: z.number().int().positive().default(60),
})
export type EnvironmentPlacement = z.infer<typeof environmentPlacementSchema>

/** Settings of the engine for EXECUTOR=kubernetes, as environment variables. */
export const clusterVariables = {
  /** A kubeconfig; absent: the service account of the pod the engine runs in. */
  KUBECONFIG: z.string().optional(),
  /** Image of pod-configuration and of the seal gate; the original's name. */
  POD_CONFIGURATION_CONTAINER: z.string().default('c2d/pod-configuration:latest'),
  /** Image of pod-publishing; the original's name. */
  POD_PUBLISH_CONTAINER: z.string().default('c2d/pod-publishing:latest'),
  /** A claim that publish pods mount at RESULTS_FOLDER, where results go to a folder. */
  RESULTS_CLAIM: nameSchema.optional(),
  /** Where the canary of the seal gates listens, in the engine. */
  CANARY_HOST: z.string().default('0.0.0.0'),
  CANARY_PORT: portSchema.default(8061),
  /** Where pods reach that canary, best a Service's name and port; absent: this pod's own address and CANARY_PORT. */
  SEAL_CANARY: canaryAddressSchema.optional(),
  /** Address of the pod the engine runs in, from the downward API. */
  POD_IP: z.string().optional(),
  /** More addresses that no sealed pod may reach: `name=tcp://ip:port` or `name=dns://ip:port`, separated by commas. */
  SEAL_PROBES: z
    .string()
    .default('')
    .transform((list) => list.split(',').filter(Boolean)),
}

/** One environment as the executor needs it. */
export interface ClusterEnvironment extends EnvironmentPlacement {
  id: string
  namespace: string
  cpuNumber: number
  gpuNumber: number
  /** Size of a job's volume, in bytes. */
  workspaceBytes: number
}

/** What the executor is told. */
export interface ClusterSettings {
  environments: readonly ClusterEnvironment[]
  images: { configure: string; publish: string }
  resultsClaim: { name: string; folder: string } | undefined
  /** The seal gate before every algorithm, its canary as pods try it; null only where a test stands in for staging. */
  seal: { canary: string; probes: readonly string[] } | null
}

/** Settings of the executor and of what stands beside it. */
export interface ClusterConfig {
  /** A kubeconfig file; absent: the service account of this pod. */
  kubeconfig: string | undefined
  canary: { host: string; port: number }
  settings: ClusterSettings
}

type ClusterVariables = z.output<z.ZodObject<typeof clusterVariables>>

/** What an environment of the engine's configuration tells the executor. */
interface ConfiguredEnvironment {
  id: string
  cpuNumber: number
  gpuNumber: number
  /** In GiB. */
  diskGB: number
  kubernetes: EnvironmentPlacement
}

/** Turns the variables into settings; what is missing becomes an issue of the whole configuration. */
export function buildClusterConfig(
  env: ClusterVariables & { RESULTS_FOLDER?: string | undefined },
  environments: readonly ConfiguredEnvironment[],
  context: z.RefinementCtx,
): ClusterConfig {
  const canary = env.SEAL_CANARY ?? (env.POD_IP ? formatAddress(env.POD_IP, env.CANARY_PORT) : undefined)
  if (canary === undefined) {
    context.addIssue({
      code: 'custom',
      path: ['SEAL_CANARY'],
      message:
        'must say where pods reach the canary of this engine, as address:port (or POD_IP, from the downward API)',
    })
  }
  for (const { id, kubernetes } of environments) {
    if (!nameSchema.safeParse(kubernetes.namespace ?? id).success) {
      context.addIssue({
        code: 'custom',
        path: ['ENVIRONMENTS'],
        message: `the environment ${id} must say in which namespace its jobs run (kubernetes.namespace)`,
      })
    }
  }
  return {
    kubeconfig: env.KUBECONFIG,
    canary: { host: env.CANARY_HOST, port: env.CANARY_PORT },
    settings: {
      environments: environments.map(({ id, cpuNumber, gpuNumber, diskGB, kubernetes }) => ({
        ...kubernetes,
        id,
        namespace: kubernetes.namespace ?? id,
        cpuNumber,
        gpuNumber,
        workspaceBytes: Math.round(diskGB * 1024 ** 3),
      })),
      images: { configure: env.POD_CONFIGURATION_CONTAINER, publish: env.POD_PUBLISH_CONTAINER },
      resultsClaim:
        env.RESULTS_CLAIM && env.RESULTS_FOLDER ? { name: env.RESULTS_CLAIM, folder: env.RESULTS_FOLDER } : undefined,
      seal: { canary: canary ?? '', probes: env.SEAL_PROBES },
    },
  }
}
