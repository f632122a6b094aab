import { z } from 'zod'
import { addressSchema, jobIdSchema, sha256HexSchema } from './primitives.ts'

/** Clients of every age send flags as booleans, numbers and texts. */
const flagSchema = z
  .union([z.boolean(), z.literal(0), z.literal(1), z.enum(['0', '1', 'true', 'false'])])
  .transform((flag) => flag === true || flag === 1 || flag === '1' || flag === 'true')

const describedSchema = z.object({
  name: z.string().max(200).optional(),
  description: z.string().max(5_000).optional(),
  author: z.string().max(200).optional(),
  license: z.string().max(500).optional(),
  tags: z.array(z.string().max(100)).max(50).optional(),
})

/**
 * What of a start request's `output` asks for its results to become an asset (pods-behaviour §4.2, as ocean.js sends
 * it). What the asset is called may stand in `metadata` itself, or in `metadata.main` as it once did.
 */
export const derivedAssetWishSchema = z.object({
  publishOutput: flagSchema.default(false),
  publishAlgorithmLog: flagSchema.default(false),
  owner: addressSchema.optional(),
  whitelist: z.array(addressSchema).max(1_000).nullish(),
  metadata: describedSchema.extend({ main: describedSchema.optional() }).nullish(),
})

/** An asset that a job's results are to become; in the workflow, checked by the provider. */
export const derivedAssetSchema = z.object({
  /** Which results: the outputs, the algorithm's log. */
  outputs: z.boolean(),
  log: z.boolean(),
  /** Who gets it: the consumer of the job. */
  owner: addressSchema,
  /** Who may use it; empty is everybody. */
  whitelist: z.array(addressSchema),
  metadata: describedSchema,
  /** The provider that will serve it. */
  serviceEndpoint: z.url({ protocol: /^https?$/ }),
})
export type DerivedAsset = z.infer<typeof derivedAssetSchema>

/**
 * A result of a job as a file of an asset: in the operator's keeping, served by its provider. The token says that the
 * engine made this asset of it, so nobody can point an asset of theirs at somebody's results.
 */
export const resultFileSchema = z.object({
  type: z.literal('result'),
  jobId: jobIdSchema,
  index: z.number('malformed file object.').int().nonnegative(),
  token: sha256HexSchema,
})
export type ResultFile = z.infer<typeof resultFileSchema>

/** The request header that carries the token of a published result, from provider to operator-service. */
export const RESULT_TOKEN_HEADER = 'C2D-Result-Token'
