import { z } from 'zod'
import { addressSchema, hexBytesSchema } from './primitives.ts'

/**
 * Name → [method, path] of every endpoint the provider serves, as `GET /` lists them (provider-http-api §1.4).
 * The mixed naming is part of the contract: clients look paths up by these keys.
 */
export const PROVIDER_ENDPOINTS = {
  computeDelete: ['DELETE', '/api/services/compute'],
  computeEnvironments: ['GET', '/api/services/computeEnvironments'],
  computeEvents: ['GET', '/api/services/compute/events'],
  computeExplain: ['POST', '/api/services/compute/explain'],
  computeLogs: ['GET', '/api/services/compute/logs'],
  computeProof: ['GET', '/api/services/compute/proof'],
  computeResult: ['GET', '/api/services/computeResult'],
  computeStart: ['POST', '/api/services/compute'],
  computeStatus: ['GET', '/api/services/compute'],
  computeStop: ['PUT', '/api/services/compute'],
  create_auth_token: ['GET', '/api/services/createAuthToken'],
  decrypt: ['POST', '/api/services/decrypt'],
  delete_auth_token: ['DELETE', '/api/services/deleteAuthToken'],
  download: ['GET', '/api/services/download'],
  encrypt: ['POST', '/api/services/encrypt'],
  fileinfo: ['POST', '/api/services/fileinfo'],
  initialize: ['GET', '/api/services/initialize'],
  initializeCompute: ['POST', '/api/services/initializeCompute'],
  nonce: ['GET', '/api/services/nonce'],
  validateContainer: ['POST', '/api/services/validateContainer'],
} as const satisfies Record<string, readonly [string, string]>

/** The request header that carries an auth token in place of a signature (provider-http-api §3). */
export const AUTH_TOKEN_HEADER = 'AuthToken'

/** `GET /` of any provider, as far as peers read it. */
export const providerRootSchema = z
  .object({
    providerAddresses: z.record(z.string(), z.string()).optional(),
    providerAddress: z.string().optional(),
    serviceEndpoints: z.record(z.string(), z.tuple([z.string(), z.string()])),
  })
  .loose()
export type ProviderRoot = z.infer<typeof providerRootSchema>

/** The signed fee of an order, as clients hand it to the contract (provider-http-api §5.3). */
export const providerFeeSchema = z.object({
  providerFeeAddress: addressSchema,
  providerFeeToken: addressSchema,
  /** Wei of the fee token, decimal. */
  providerFeeAmount: z.string().regex(/^\d+$/),
  providerData: hexBytesSchema,
  v: z.union([z.literal(27), z.literal(28)]),
  r: hexBytesSchema,
  s: hexBytesSchema,
  /** Epoch seconds; 0 is no limit. */
  validUntil: z.number().int().nonnegative(),
})
export type ProviderFee = z.infer<typeof providerFeeSchema>

/** What `providerData` holds, once decoded: it binds a fee to environment, datatoken and service (§5.2). */
export const providerDataSchema = z
  .object({
    environment: z.string().nullable(),
    timestamp: z.number(),
    dt: z.string(),
    id: z.string(),
  })
  .loose()
export type ProviderData = z.infer<typeof providerDataSchema>

/** A quote for one item of a compute order: pay, reuse, or nothing to pay. */
export const quoteSchema = z.object({
  datatoken: z.string().optional(),
  providerFee: providerFeeSchema.optional(),
  validOrder: z.string().optional(),
})
export type Quote = z.infer<typeof quoteSchema>

/** One dataset of a compute request. */
export const computeDatasetSchema = z.object({
  documentId: z.string().nullish(),
  serviceId: z.string().nullish(),
  transferTxId: z.string().nullish(),
  userdata: z.unknown().optional(),
})
export type ComputeDataset = z.infer<typeof computeDatasetSchema>

/** The algorithm of a compute request: a published one by DID, or raw code in `meta`. */
export const computeAlgorithmSchema = z.object({
  documentId: z.string().nullish(),
  serviceId: z.string().nullish(),
  transferTxId: z.string().nullish(),
  meta: z
    .object({ url: z.string().nullish(), rawcode: z.string().nullish(), container: z.unknown().optional() })
    .loose()
    .nullish(),
  algouserdata: z.unknown().optional(),
  userdata: z.unknown().optional(),
  algocustomdata: z.unknown().optional(),
})
export type ComputeAlgorithm = z.infer<typeof computeAlgorithmSchema>
