import { z } from 'zod'
import { resultFileSchema } from './derived-asset.ts'
import { addressSchema } from './primitives.ts'

const MALFORMED = 'malformed file object.'
const MISSING_KEYS = 'malformed service files, missing required keys.'

/** A text that must be there: absent or empty is one sentence, another JSON type is `malformed file object.` */
function requiredText(missing: string) {
  return z
    .string({ error: (issue) => (issue.input == null ? missing : MALFORMED) })
    .min(1, { error: missing, abort: true })
}

const headersSchema = z.record(z.string(), z.string(MALFORMED), MALFORMED).nullish()

const urlFileFieldsSchema = z.object({
  type: z.literal('url'),
  url: requiredText(MISSING_KEYS),
  method: z.string(MALFORMED).optional(),
  headers: headersSchema,
})

/** A file behind an HTTP address (provider-http-api §7.2). */
export const urlFileSchema = urlFileFieldsSchema
  .refine(({ method }) => method === undefined || /^(?:get|post)$/i.test(method), {
    error: ({ input }) => `Unsafe method ${String((input as UrlFile).method).toLowerCase()}.`,
    abort: true,
  })
  .refine(({ url }) => /^https?:\/\//i.test(url) || !url.includes('/'), {
    error: 'Invalid file name format. It was not possible to get the file name.',
  })
export type UrlFile = z.infer<typeof urlFileFieldsSchema>

/** A file of IPFS: a CID, perhaps with a path below it. What is no CID is a file that cannot be had. */
export const ipfsFileSchema = z.object({
  type: z.literal('ipfs'),
  hash: requiredText(MISSING_KEYS),
  headers: headersSchema,
})
export type IpfsFile = z.infer<typeof ipfsFileSchema>

/** A file of Arweave, by its transaction. What is no transaction id is a file that cannot be had. */
export const arweaveFileSchema = z.object({
  type: z.literal('arweave'),
  transactionId: requiredText('malformed service files, missing transactionId.'),
  headers: headersSchema,
})
export type ArweaveFile = z.infer<typeof arweaveFileSchema>

/** The answer of a GraphQL endpoint; a consumer gives the variables, never the query. */
export const graphqlFileSchema = z.object({
  type: z.literal('graphql'),
  url: requiredText('missing graphql endpoint'),
  query: requiredText('missing graphql query'),
  headers: headersSchema,
})
export type GraphqlFile = z.infer<typeof graphqlFileSchema>

/** One function of a contract that only reads; members this schema does not name (outputs, components) are kept. */
export const contractFunctionSchema = z.looseObject(
  {
    type: z.literal('function', 'invalid abi'),
    inputs: z.array(
      z.looseObject({ name: z.string('invalid abi').default(''), type: z.string('invalid abi') }, 'invalid abi'),
      'invalid abi',
    ),
    stateMutability: z.enum(['view', 'pure'], 'only view or pure functions are allowed'),
    name: requiredText('missing name'),
  },
  { error: (issue) => (issue.input == null ? 'invalid abi' : MALFORMED) },
)
export type ContractFunction = z.infer<typeof contractFunctionSchema>

/** The result of one call of a contract; a consumer gives the arguments by their names. */
export const contractFileSchema = z.object({
  type: z.literal('smartcontract'),
  address: requiredText('malformed smartcontract type, missing contract address').refine(
    (address) => addressSchema.safeParse(address).success,
    MALFORMED,
  ),
  chainId: z.int(MALFORMED).positive(MALFORMED),
  abi: contractFunctionSchema,
})
export type ContractFile = z.infer<typeof contractFileSchema>

/** An object of an S3 bucket; without keys it is asked for anonymously. Not a type of the reference. */
export const s3FileSchema = z
  .object({
    type: z.literal('s3'),
    /** Default: AWS, in the region. */
    endpoint: z.url({ protocol: /^https?$/, error: MALFORMED }).optional(),
    region: requiredText(MISSING_KEYS).regex(/^[a-z0-9][a-z0-9-]{0,62}$/i, MALFORMED),
    bucket: requiredText(MISSING_KEYS).regex(/^[a-z0-9][a-z0-9._-]{1,62}$/i, MALFORMED),
    objectKey: requiredText(MISSING_KEYS),
    accessKeyId: z.string(MALFORMED).min(1, MALFORMED).optional(),
    secretAccessKey: z.string(MALFORMED).min(1, MALFORMED).optional(),
    /** The bucket in the path, not in the host's name: what most servers but AWS want. */
    forcePathStyle: z.boolean(MALFORMED).optional(),
  })
  .refine((file) => (file.accessKeyId === undefined) === (file.secretAccessKey === undefined), {
    error: 'malformed s3 type, accessKeyId and secretAccessKey belong together',
  })
export type S3File = z.infer<typeof s3FileSchema>

/** A file object of any type, as it stands, encrypted, in `services[].files`. */
export const anyFileObjectSchema = z.discriminatedUnion(
  'type',
  [
    urlFileSchema,
    ipfsFileSchema,
    arweaveFileSchema,
    graphqlFileSchema,
    contractFileSchema,
    s3FileSchema,
    resultFileSchema,
  ],
  { error: ({ input }) => (isRecord(input) ? unsupportedType(input['type']) : MALFORMED) },
)
export type FileObject = z.infer<typeof anyFileObjectSchema>

/**
 * What is wrong with a file object, in the reference's words (provider-http-api §7.2); the first thing where there are
 * several, a wrong JSON type before all. Identifiers that cannot exist are no problem here but a file that cannot be had.
 * @param file what a publisher encrypted or a caller sent
 * @returns null exactly where `anyFileObjectSchema` accepts it
 */
export function describeFileProblem(file: unknown): string | null {
  if (isRecord(file) && Object.keys(file).length === 0) return 'cannot decrypt files for this service.'
  const parsed = anyFileObjectSchema.safeParse(file)
  if (parsed.success) return null
  const messages = parsed.error.issues.map((issue) => issue.message)
  return messages.includes(MALFORMED) ? MALFORMED : (messages[0] ?? MALFORMED)
}

function unsupportedType(type: unknown): string {
  return `Unsupported type ${typeof type === 'string' ? type : JSON.stringify(type)}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The plaintext of `services[].files` since 4.1.0: bound to its asset and datatoken, so it cannot be copied elsewhere. */
export const boundFilesSchema = z.object({
  datatokenAddress: addressSchema,
  nftAddress: addressSchema,
  files: z.array(z.unknown()).min(1),
})
export type BoundFiles = z.infer<typeof boundFilesSchema>

/** One entry of a fileinfo answer (provider-http-api §1.7). */
export const fileInfoSchema = z.object({
  index: z.number().int().nonnegative(),
  type: z.string(),
  valid: z.boolean(),
  contentLength: z.union([z.string(), z.number()]).optional(),
  contentType: z.string().optional(),
  filename: z.string().optional(),
  checksum: z.string().optional(),
  checksumType: z.string().optional(),
})
export type FileInfo = z.infer<typeof fileInfoSchema>
export const fileInfoListSchema = z.array(fileInfoSchema)
