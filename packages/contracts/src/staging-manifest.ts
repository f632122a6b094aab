import { z } from 'zod'
import { sha256HexSchema } from './primitives.ts'

/** Where the manifest lies, below the inputs of a job; an addition of ours to the layout of pods-behaviour §1.10. */
export const STAGING_MANIFEST_FILE = 'manifest.json'

/** One file that was staged. */
export const stagedFileSchema = z.object({
  /** The dataset's or algorithm's id; empty where the workflow gives none. */
  did: z.string(),
  /** The service it was ordered from; null for a plain address. */
  serviceId: z.string().nullable(),
  /** Position in that service. */
  index: z.number().int().nonnegative(),
  /** Where it lies, below the volume, with `/`: `inputs/<did>/0`. */
  path: z.string(),
  /** What its origin calls it; null where it says nothing. Never a path. */
  name: z.string().nullable(),
  contentType: z.string().nullable(),
  sizeBytes: z.number().int().nonnegative(),
  sha256: sha256HexSchema,
})
export type StagedFile = z.infer<typeof stagedFileSchema>

/** `inputs/manifest.json`: every file of a job as it arrived, in the order of its workflow, the algorithm's last. */
export const stagingManifestSchema = z.object({
  version: z.literal(1),
  files: z.array(stagedFileSchema),
})
export type StagingManifest = z.infer<typeof stagingManifestSchema>
