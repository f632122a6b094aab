import { z } from 'zod'
import { hexBytesSchema } from './primitives.ts'

/** What an environment makes of results where a consumer asks for an asset. */
export const derivedAssetOfferSchema = z.object({
  /** Chains on which the operator can pay for one now. */
  chains: z.array(z.number().int()),
  /** Bytes that results of new assets may still take up. */
  freeBytes: z.number(),
  /** What one costs beside the run, in whole fee tokens; absent: nothing. */
  price: z.number().nonnegative().optional(),
})
export type DerivedAssetOffer = z.infer<typeof derivedAssetOfferSchema>

/** What an engine announces of one environment (operator-service-api §10): numbers are numbers. */
export const environmentAnnouncementSchema = z.object({
  id: z.string().min(1),
  cpuNumber: z.number().nonnegative(),
  cpuType: z.string(),
  gpuNumber: z.number().int().nonnegative(),
  gpuType: z.string(),
  ramGB: z.number().nonnegative(),
  diskGB: z.number().nonnegative(),
  /** Price per minute in whole fee tokens. */
  priceMin: z.number().nonnegative(),
  desc: z.string(),
  currentJobs: z.number().int().nonnegative(),
  maxJobs: z.number().int().nonnegative(),
  consumerAddress: z.string(),
  /** Of that account: what only this environment may read is encrypted to it. */
  consumerPublicKey: hexBytesSchema.optional(),
  /** Seconds results are kept; 0 is for ever. */
  storageExpiry: z.number().int().nonnegative(),
  /** Seconds an algorithm may run. */
  maxJobDuration: z.number().int().positive(),
  /** Chains whose orders are accepted; empty or absent is every chain. */
  allowedChainId: z.array(z.number().int()).optional(),
  derivedAssets: derivedAssetOfferSchema.optional(),
})
export type EnvironmentAnnouncement = z.infer<typeof environmentAnnouncementSchema>

const numeric = z.union([z.number(), z.string().transform(Number)]).pipe(z.number())

/**
 * An environment as operator-service lists it. Reference engines announce some numbers as strings
 * (operator-service-api §10 "type trap"); they are read as numbers.
 */
export const environmentSchema = z
  .object({
    id: z.string(),
    priceMin: numeric,
    consumerAddress: z.string(),
    consumerPublicKey: hexBytesSchema.optional().catch(undefined),
    derivedAssets: derivedAssetOfferSchema.optional().catch(undefined),
    maxJobDuration: numeric,
    lastSeen: z.string().optional(),
  })
  .loose()
export type Environment = z.infer<typeof environmentSchema>
export const environmentListSchema = z.array(environmentSchema)
