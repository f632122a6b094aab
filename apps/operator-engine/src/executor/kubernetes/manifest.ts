import type {
  CoreV1Event,
  V1Affinity,
  V1ConfigMap,
  V1Container,
  V1Job,
  V1NetworkPolicy,
  V1OwnerReference,
  V1PersistentVolumeClaim,
  V1PodSpec,
  V1ResourceRequirements,
  V1Secret,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node'

/** What a class of the library holds, as plain data: what is sent is JSON, and no instance of anything. */
type Plain<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T

export type Affinity = Plain<V1Affinity>
export type CoreEvent = Plain<CoreV1Event>
export type ConfigMap = Plain<V1ConfigMap>
export type Container = Plain<V1Container>
export type Job = Plain<V1Job>
export type NetworkPolicy = Plain<V1NetworkPolicy>
export type OwnerReference = Plain<V1OwnerReference>
export type PersistentVolumeClaim = Plain<V1PersistentVolumeClaim>
export type PodSpec = Plain<V1PodSpec>
export type ResourceRequirements = Plain<V1ResourceRequirements>
export type Secret = Plain<V1Secret>
export type Volume = Plain<V1Volume>
export type VolumeMount = Plain<V1VolumeMount>
