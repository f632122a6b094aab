import { z } from 'zod'
import { addressSchema, didSchema } from './primitives.ts'

/** A container as an algorithm's metadata names it (provider-http-api §6.3, pods-behaviour §3.1). */
export const containerSchema = z.object({
  entrypoint: z.string().min(1),
  image: z.string().min(1),
  tag: z.string().optional(),
  checksum: z.string().regex(/^sha256:/, 'must start with sha256:'),
})
export type Container = z.infer<typeof containerSchema>

/** A container section as it was published: what is missing or not pinned is for the start of a job to refuse. */
const publishedContainerSchema = z.object({
  entrypoint: z.string().optional(),
  image: z.string().optional(),
  tag: z.string().optional(),
  checksum: z.string().optional(),
})

/** One algorithm a dataset's publisher trusts, optionally down to its bytes. */
export const trustedAlgorithmSchema = z.object({
  /** Empty where the entry names none: then its list lets nothing run, and the asset can still be read. */
  did: z.string().catch(''),
  filesChecksum: z.string().optional(),
  containerSectionChecksum: z.string().optional(),
})
export type TrustedAlgorithm = z.infer<typeof trustedAlgorithmSchema>

/** `"*"` in either list means every published algorithm (DESIGN §4.2). */
export const ALL_PUBLISHED = '*'

/** The compute section of a service: what may run on it. Private by default (DESIGN §4.2). */
export const computeOptionsSchema = z.object({
  allowRawAlgorithm: z.boolean().nullish(),
  allowNetworkAccess: z.boolean().nullish(),
  /** True keeps hashes of the files from consumers: proofs tell salted ones, and only the owner gets the salt. */
  saltFileHashes: z.boolean().nullish(),
  /** False keeps results from becoming assets of consumers. */
  allowDerivedAssets: z.boolean().nullish(),
  publisherTrustedAlgorithms: z.array(z.union([z.literal(ALL_PUBLISHED), trustedAlgorithmSchema])).nullish(),
  publisherTrustedAlgorithmPublishers: z.array(z.string()).nullish(),
})
export type ComputeOptions = z.infer<typeof computeOptionsSchema>

/** A value that a publisher asks consumers for: a service's go into `userdata`, an algorithm's into `algocustomdata`. */
export const consumerParameterSchema = z.object({
  name: z.string().min(1),
  /** `text`, `number`, `boolean` or `select`; what is none of them is asked for, but not looked into. */
  type: z.string(),
  required: z.boolean().nullish(),
  /** What stands where the consumer says nothing. */
  default: z.unknown().optional(),
  /** The choices of a `select`: objects `{value: label}` or plain values; a JSON text of such a list is one too. */
  options: z.unknown().optional(),
})
export type ConsumerParameter = z.infer<typeof consumerParameterSchema>

// A list that cannot be read asks for nothing: the asset was published and sold, and only its publisher can mend it.
const consumerParametersSchema = z.array(consumerParameterSchema).nullish().catch(null)

/** One service of an asset; its position in the array is the `serviceIndex` of order events. */
export const serviceSchema = z.object({
  id: z.string(),
  type: z.string(),
  datatokenAddress: addressSchema,
  serviceEndpoint: z.string(),
  files: z.string(),
  timeout: z.number().int().nonnegative(),
  compute: computeOptionsSchema.nullish(),
  consumerParameters: consumerParametersSchema,
})
export type Service = z.infer<typeof serviceSchema>

const credentialSchema = z.object({ type: z.string(), values: z.array(z.string()).nullish() })
export const credentialsSchema = z.object({
  allow: z.array(credentialSchema).nullish(),
  deny: z.array(credentialSchema).nullish(),
})
/** Some publishers write them as JSON text (provider-http-api §6.2). */
const writtenCredentialsSchema = z.preprocess(
  (value) => (typeof value === 'string' ? parseJson(value) : value),
  credentialsSchema.nullish(),
)
export type Credentials = z.infer<typeof credentialsSchema>

/**
 * A DDO as far as our services read it (provider-http-api §6.1). Unknown members are kept out of the parsed value:
 * what is hashed and stored is always the document's own text, never a re-serialised parse.
 */
export const ddoSchema = z.object({
  id: didSchema,
  version: z.string().optional(),
  chainId: z.number().int().positive(),
  nftAddress: addressSchema,
  metadata: z.object({
    type: z.string(),
    name: z.string().optional(),
    algorithm: z
      .object({ container: publishedContainerSchema.nullish(), consumerParameters: consumerParametersSchema })
      .nullish(),
  }),
  services: z.array(serviceSchema).min(1),
  credentials: writtenCredentialsSchema,
})
export type Ddo = z.infer<typeof ddoSchema>

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // no JSON: the schema takes no text
  }
}

/** On-chain metadata states (provider-http-api §1.7, decrypt). */
export const ASSET_STATE = {
  active: 0,
  endOfLife: 1,
  deprecated: 2,
  revoked: 3,
  temporarilyDisabled: 4,
  unlisted: 5,
} as const

/** The members a metadata cache adds to a document; they are no part of what was hashed on chain. */
export const CACHE_MEMBERS = ['nft', 'datatokens', 'event', 'stats', 'purgatory', 'accessDetails'] as const
