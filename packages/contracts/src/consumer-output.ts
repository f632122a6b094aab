import { z } from 'zod'
import { addressSchema, hexBytesSchema } from './primitives.ts'

const NO_URL = 'must be a http or https address'

const s3StorageSchema = z.strictObject({
  type: z.literal('s3'),
  /** Of a compatible server; AWS, in the region, when absent. */
  endpoint: z.url({ protocol: /^https?$/, error: NO_URL }).optional(),
  region: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/i, 'must be a region')
    .default('us-east-1'),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9._-]{1,62}$/i, 'must be a bucket'),
  /** Before every key: `<prefix><jobId>/outputs/…`. */
  prefix: z.string().max(512).default(''),
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
  sessionToken: z.string().min(1).optional(),
  /** The bucket in the path, not in the host's name: what most servers but AWS want. */
  forcePathStyle: z.boolean().default(false),
})

const urlStorageSchema = z.strictObject({
  type: z.literal('url'),
  /** A folder: each file is PUT at `<url><jobId>/outputs/…`. */
  url: z
    .url({ protocol: /^https?$/, error: NO_URL })
    .refine((url) => !/[?#]/.test(url) && url.endsWith('/'), 'must end in / and have no query'),
  method: z.string().regex(/^put$/i, 'must be PUT').default('PUT'),
  /** Sent with every request: an `Authorization`, for example. */
  headers: z
    .record(
      // How long a file is, is ours to say: another length would be taken out of the next upload.
      z.string().regex(/^(?!content-length$)[\w-]+$/i, 'must be header names, and not Content-Length'),
      z.string().regex(/^[\t\x20-\x7e]*$/, 'must be header values'),
    )
    .default({}),
})

/** Where a consumer wants its outputs. */
export const consumerStorageSchema = z.discriminatedUnion('type', [s3StorageSchema, urlStorageSchema])
export type ConsumerStorage = z.output<typeof consumerStorageSchema>

/**
 * What a consumer encrypts to the provider, as file objects are, and sends as `output`, or as `encrypted` in it. It
 * holds keys: once decrypted it is never logged, shown or stored.
 */
export const consumerOutputSchema = z.strictObject({
  remoteStorage: consumerStorageSchema,
  /** Whether the operator's storage keeps the outputs too; what could not be delivered it keeps in any case. */
  keepsCopy: z.boolean().default(true),
  /** Who may use it; absent: whoever can send it. */
  owner: addressSchema.optional(),
})
export type ConsumerOutput = z.output<typeof consumerOutputSchema>

/** Longest encrypted output that is looked at, in hex digits: 16 KiB. */
const MAX_HEX_DIGITS = 32_768

/** An encrypted output: hex as `POST /encrypt` answers it. */
export const encryptedOutputSchema = hexBytesSchema.min(4).max(MAX_HEX_DIGITS)
