import { z } from 'zod'
import { stageSchema } from './workflow.ts'

/**
 * The private folder of a step: what the engine hands to a pod of ours, and to that pod alone (a Secret on
 * Kubernetes). Nothing of it is an environment variable, because those leak into dumps and child processes.
 */
export const STEP_FILE = {
  workflow: 'workflow.json',
  report: 'report.json',
  downloads: 'downloads.json',
  publish: 'publish.json',
  results: 'results.json',
  output: 'output.json',
} as const

/** `workflow.json`: the stages as stored (pods-behaviour §1.3). */
export const stepWorkflowSchema = z.object({
  stages: z.array(stageSchema).length(1),
  chainId: z.number().int().nullish(),
})
export type StepWorkflow = z.infer<typeof stepWorkflowSchema>

/** `report.json`: where and as whom a pod reports (DESIGN §4.6). */
export const stepReportSchema = z.object({
  /** PostgreSQL connection string of the role that may only call the report functions. */
  databaseUrl: z.string(),
  /** Valid for this job and this step, until the step ends. */
  token: z.string(),
})
export type StepReport = z.infer<typeof stepReportSchema>

/** Files that one job may have from services of other providers. */
export const MAX_FOREIGN_FILES = 500

/** A download that was signed in advance, for a provider that takes no token (provider-http-api §2.3). */
const signedRequestSchema = z.object({ nonce: z.string().regex(/^\d+$/), signature: z.string() })
export type SignedRequest = z.infer<typeof signedRequestSchema>

/**
 * `downloads.json`: what the configure pod may download. At our own provider by tokens of the environment's key; at others
 * by requests it signed in advance, in the order of their nonces.
 */
export const stepDownloadsSchema = z.object({
  /** The environment's address: the consumer of the orders. */
  consumerAddress: z.string(),
  tokens: z.array(z.object({ did: z.string(), serviceId: z.string(), txId: z.string(), token: z.string() })),
  signed: z
    .array(
      z.object({ did: z.string(), serviceId: z.string(), txId: z.string(), requests: z.array(signedRequestSchema) }),
    )
    .default([]),
})
export type StepDownloads = z.infer<typeof stepDownloadsSchema>

/** Whether outputs are stored as files, as one `outputs.tar`, or as both. */
export const OUTPUT_ARCHIVES = ['none', 'beside', 'instead'] as const

/** The form in which a consumer wants the outputs kept; what is no such wish is left alone, as all else in `output` is. */
export const outputPackagingSchema = z.object({
  archive: z.enum(OUTPUT_ARCHIVES).optional().catch(undefined),
  /** Whether `manifest.json`, with the SHA-256 of every output, is one of the results. */
  manifest: z.boolean().optional().catch(undefined),
})
export type OutputPackaging = z.infer<typeof outputPackagingSchema>

/**
 * `publish.json`: what an environment lets a job publish, and how. Logs are held to none of its limits. (`results.json`,
 * which says where to and with which keys, is read by whoever stores.)
 */
export const stepPublishSchema = z.object({
  /** Files of the outputs; those beyond are refused. */
  maxFiles: z.number().int().positive(),
  maxFileBytes: z.number().int().positive(),
  /** Of all outputs together, in the order of their paths. */
  maxTotalBytes: z.number().int().positive(),
  /** Content types by the name's extension, `text/csv` or `image/*`, and extensions, `.csv`; absent: any. */
  allowedTypes: z.array(z.string()).optional(),
  archive: z.enum(OUTPUT_ARCHIVES),
  /** Whether `manifest.json`, with the SHA-256 of every output, is one of the results. */
  manifest: z.boolean(),
})
export type StepPublish = z.infer<typeof stepPublishSchema>
