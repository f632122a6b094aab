import { z } from 'zod'
import { LABEL } from './names.ts'

/** What we read of the cluster's objects, and nothing else: thousands of them are kept in memory. */

const timeSchema = z
  .string()
  .transform((text) => new Date(text))
  .nullish()
  .transform((time) => time ?? null)

const textSchema = z
  .string()
  .nullish()
  .transform((text) => text ?? null)

const metadataSchema = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string(),
  resourceVersion: z.string(),
  creationTimestamp: z.string().transform((text) => new Date(text)),
  deletionTimestamp: timeSchema,
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
})

const conditionsSchema = z
  .array(
    z.object({
      type: z.string(),
      status: z.string(),
      reason: textSchema,
      message: textSchema,
      lastTransitionTime: timeSchema,
    }),
  )
  .nullish()
  .transform((conditions) => conditions ?? [])

const containerStatusesSchema = z
  .array(
    z.object({
      name: z.string(),
      state: z
        .object({
          waiting: z.object({ reason: textSchema, message: textSchema }).nullish(),
          running: z.object({ startedAt: timeSchema }).nullish(),
          terminated: z
            .object({
              exitCode: z.number(),
              signal: z.number().nullish(),
              reason: textSchema,
              message: textSchema,
              startedAt: timeSchema,
              finishedAt: timeSchema,
            })
            .nullish(),
        })
        .default({}),
    }),
  )
  .nullish()
  .transform((statuses) => statuses ?? [])

const podSchema = z
  .object({
    metadata: metadataSchema,
    spec: z.object({ nodeName: textSchema, activeDeadlineSeconds: z.number().nullish() }),
    status: z
      .object({
        phase: z.string().default('Pending'),
        reason: textSchema,
        message: textSchema,
        startTime: timeSchema,
        conditions: conditionsSchema,
        initContainerStatuses: containerStatusesSchema,
        containerStatuses: containerStatusesSchema,
      })
      .prefault({}),
  })
  .transform(({ metadata: { annotations: _, ...metadata }, spec, status }) => ({
    ...metadata,
    jobId: metadata.labels[LABEL.workflow] ?? '',
    owner: metadata.labels['job-name'] ?? '',
    nodeName: spec.nodeName,
    activeDeadlineSeconds: spec.activeDeadlineSeconds ?? null,
    ...status,
  }))

const jobSchema = z
  .object({
    metadata: metadataSchema,
    spec: z.object({ suspend: z.boolean().nullish() }),
    status: z.object({ conditions: conditionsSchema, startTime: timeSchema, completionTime: timeSchema }).prefault({}),
  })
  .transform(({ metadata, spec, status }) => ({
    ...metadata,
    jobId: metadata.labels[LABEL.workflow] ?? '',
    component: metadata.labels[LABEL.component] ?? '',
    attempt: Number(metadata.labels[LABEL.attempt] ?? '1'),
    suspended: spec.suspend ?? false,
    ...status,
  }))

const claimSchema = z
  .object({
    metadata: metadataSchema,
    spec: z.object({ storageClassName: z.string().default('') }).prefault({}),
    status: z.object({ phase: z.string().default('Pending') }).prefault({}),
  })
  .transform(({ metadata: { annotations, ...metadata }, spec, status }) => ({
    ...metadata,
    jobId: metadata.labels[LABEL.workflow] ?? '',
    storageClass: spec.storageClassName,
    /** Its volume is made for its first pod, and where that pod goes. */
    followsPod: annotations['volume.kubernetes.io/selected-node'] !== undefined,
    phase: status.phase,
  }))

const anchorSchema = z
  .object({ metadata: metadataSchema, data: z.record(z.string(), z.string()).default({}) })
  .transform(({ metadata: { annotations: _, ...metadata }, data }) => ({
    ...metadata,
    jobId: metadata.labels[LABEL.workflow] ?? '',
    data,
  }))

export type PodView = z.infer<typeof podSchema>
export type JobView = z.infer<typeof jobSchema>
export type ClaimView = z.infer<typeof claimSchema>
export type AnchorView = z.infer<typeof anchorSchema>
export type ContainerView = PodView['containerStatuses'][number]

/** Reads a Pod as the API server sends it. @throws ZodError where it is none */
export const parsePod = (value: unknown): PodView => podSchema.parse(value)
/** Reads a Job as the API server sends it. @throws ZodError where it is none */
export const parseJob = (value: unknown): JobView => jobSchema.parse(value)
/** Reads a PersistentVolumeClaim as the API server sends it. @throws ZodError where it is none */
export const parseClaim = (value: unknown): ClaimView => claimSchema.parse(value)
/** Reads the ConfigMap that a job's objects belong to. @throws ZodError where it is none */
export const parseAnchor = (value: unknown): AnchorView => anchorSchema.parse(value)
