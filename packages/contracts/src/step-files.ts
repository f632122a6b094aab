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

/** `downloads.json`: what the configure pod may download, each entry a token of the environment's key. */
export const stepDownloadsSchema = z.object({
  /** The environment's address: the consumer of the orders. */
  consumerAddress: z.string(),
  tokens: z.array(z.object({ did: z.string(), serviceId: z.string(), txId: z.string(), token: z.string() })),
})
export type StepDownloads = z.infer<typeof stepDownloadsSchema>
