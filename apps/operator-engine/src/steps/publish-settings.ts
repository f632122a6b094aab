import { OUTPUT_ARCHIVES, outputPackagingSchema, type StepPublish, type StoredWorkflow } from '@c2d/contracts'
import { z } from 'zod'

/** A row of results a file: more would not fit into one report. */
const MAX_FILES = 20_000
const GIB = 1024 ** 3

/** What an environment lets jobs publish, and how; sizes default to its workspace. */
export const publishSettingsSchema = z.object({
  /** Files of a job's outputs. */
  maxFiles: z.number().int().positive().max(MAX_FILES).default(10_000),
  maxFileBytes: z.number().int().positive().optional(),
  /** All outputs of a job together. */
  maxTotalBytes: z.number().int().positive().optional(),
  /** Content types (`text/csv`, `image/*`) and extensions (`.csv`); absent: any. */
  allowedTypes: z.array(z.string().min(1)).optional(),
  /** Whether outputs are stored as one `outputs.tar`, too or instead, where the workflow does not say. */
  archive: z.enum(OUTPUT_ARCHIVES).default('none'),
  /** Whether `manifest.json`, with the SHA-256 of each output, is one of the results. */
  manifest: z.boolean().default(false),
})

type PublishSettings = z.output<typeof publishSettingsSchema>

/** What the publish step of a job is held to: its environment's settings, in the form its workflow asks for. */
export function buildStepPublish(
  environment: { publish: PublishSettings; diskGB: number },
  workflow: StoredWorkflow | null,
): StepPublish {
  const { publish, diskGB } = environment
  const asked = outputPackagingSchema.parse(workflow?.spec.metadata.stages[0]?.output ?? {})
  const workspaceBytes = Math.round(diskGB * GIB)
  return {
    maxFiles: publish.maxFiles,
    maxFileBytes: publish.maxFileBytes ?? workspaceBytes,
    maxTotalBytes: publish.maxTotalBytes ?? workspaceBytes,
    ...(publish.allowedTypes ? { allowedTypes: publish.allowedTypes } : {}),
    archive: asked.archive ?? publish.archive,
    manifest: asked.manifest ?? publish.manifest,
  }
}
