import { Secret, flagSchema, secretSchema } from '@c2d/runtime'
import { z } from 'zod'
import { RESULT_BACKENDS } from './result-address.ts'

const httpUrlSchema = z.url({ protocol: /^https?$/ })
const revealedSchema = z.union([z.instanceof(Secret), secretSchema])

const filesystemTargetSchema = z.object({
  backend: z.literal('filesystem'),
  /** Folder where the volume for results is mounted. */
  root: z.string().min(1),
})

const s3CredentialsSchema = z.object({
  accessKeyId: z.string(),
  secretAccessKey: revealedSchema,
  sessionToken: revealedSchema.optional(),
})

const s3TargetSchema = z.object({
  backend: z.literal('s3'),
  region: z.string().min(1).default('us-east-1'),
  /** Of a compatible server; AWS itself when absent. */
  endpoint: httpUrlSchema.optional(),
  bucket: z.string().min(1),
  /** For what lies in `adminlogs/`; the same bucket when absent. */
  adminlogsBucket: z.string().min(1).optional(),
  /** Before every key: nothing, or words that end in `/`. */
  prefix: z
    .string()
    .regex(/^([^/]+\/)*$/, 'must end in / and not begin with it')
    .default(''),
  /** Buckets in the path and not in the host name. */
  pathStyle: z.boolean(),
  /** Absent: the SDK looks for those of the machine (a role). */
  credentials: s3CredentialsSchema.optional(),
  /** What steps that publish get in place of them: keys that may put objects, and neither read nor delete any. */
  publishCredentials: s3CredentialsSchema.optional(),
  /** Server-side encryption; absent: what the bucket does by itself. */
  encryption: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('AES256') }),
      z.object({ kind: z.literal('aws:kms'), keyId: z.string().optional() }),
      /** The server forgets the key after each request: 32 bytes, base64. */
      z.object({ kind: z.literal('customer'), key: revealedSchema }),
    ])
    .optional(),
})

const ipfsTargetSchema = z.object({
  backend: z.literal('ipfs'),
  /** RPC of a Kubo node; whoever reads results needs it too. */
  apiUrl: httpUrlSchema,
  /** Sent as `X-API-KEY` and `CLIENT-ID`, for a proxy before the node. */
  apiKey: revealedSchema.optional(),
  apiClient: z.string().optional(),
})

const targetSchema = z.discriminatedUnion('backend', [filesystemTargetSchema, s3TargetSchema, ipfsTargetSchema])

const resultsConfigSchema = z.object({
  /** In the order of the copies: a row's `url` is the first. One a backend. */
  targets: z.array(targetSchema).min(1),
})

export type FilesystemTarget = z.output<typeof filesystemTargetSchema>
export type S3Target = z.output<typeof s3TargetSchema>
export type IpfsTarget = z.output<typeof ipfsTargetSchema>
/** Where results go: the same for the engine, pod-publishing and operator-service. */
export type ResultsConfig = z.output<typeof resultsConfigSchema>

/**
 * The variables of it, to be spread into an app's schema; the original's names where it had one (pods-behaviour §2.1).
 * RESULTS_FOLDER: where the volume for results is mounted. AWS_*, S3_*: a bucket. IPFS_*: a Kubo node.
 * RESULTS_TARGETS: which of them and in which order, e.g. `s3,ipfs`; all that are named otherwise.
 */
export const resultsSettings = {
  RESULTS_TARGETS: z.string().optional(),
  RESULTS_FOLDER: z.string().optional(),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: secretSchema.optional(),
  AWS_SESSION_TOKEN: secretSchema.optional(),
  AWS_REGION: z.string().optional(),
  S3_PUBLISH_ACCESS_KEY_ID: z.string().optional(),
  S3_PUBLISH_SECRET_ACCESS_KEY: secretSchema.optional(),
  AWS_BUCKET_OUTPUT: z.string().optional(),
  AWS_BUCKET_ADMINLOGS: z.string().optional(),
  S3_ENDPOINT: httpUrlSchema.optional(),
  S3_PREFIX: z.string().optional(),
  S3_PATH_STYLE: flagSchema.optional(),
  S3_ENCRYPTION: z.enum(['AES256', 'aws:kms', 'customer']).optional(),
  S3_KMS_KEY_ID: z.string().optional(),
  S3_CUSTOMER_KEY: secretSchema.optional(),
  IPFS_OUTPUT: httpUrlSchema.optional(),
  IPFS_API_KEY: secretSchema.optional(),
  IPFS_API_CLIENT: z.string().optional(),
}

type ResultsEnv = z.output<z.ZodObject<typeof resultsSettings>>

/**
 * Puts the variables together; for the `transform` of an app's schema.
 * @param context takes what is wrong, by the variable's name
 */
export function buildResultsConfig(env: ResultsEnv, context: z.RefinementCtx): ResultsConfig {
  const refuse = (variable: string, message: string): typeof z.NEVER => {
    context.addIssue({ code: 'custom', path: [variable], message })
    return z.NEVER
  }
  const named = { filesystem: env.RESULTS_FOLDER, s3: env.AWS_BUCKET_OUTPUT, ipfs: env.IPFS_OUTPUT }
  const known = RESULT_BACKENDS.filter((backend) => named[backend] !== undefined)
  const wanted = env.RESULTS_TARGETS?.split(',').map((word) => word.trim()) ?? known
  if (wanted.length === 0) {
    return refuse('RESULTS_FOLDER', 'must say where results go, or AWS_BUCKET_OUTPUT or IPFS_OUTPUT must')
  }
  const order = wanted.flatMap((word) => known.filter((backend) => backend === word))
  if (order.length !== wanted.length || new Set(order).size !== order.length) {
    return refuse('RESULTS_TARGETS', 'must list filesystem, s3 or ipfs, each once and each configured')
  }
  const targets = order.map((backend) => {
    if (backend === 'filesystem') return { backend, root: env.RESULTS_FOLDER }
    if (backend === 's3') return describeBucket(env)
    return { backend, apiUrl: env.IPFS_OUTPUT, apiKey: env.IPFS_API_KEY, apiClient: env.IPFS_API_CLIENT }
  })
  const parsed = resultsConfigSchema.safeParse({ targets })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  return refuse(VARIABLES[String(issue?.path[2])] ?? 'RESULTS_TARGETS', issue?.message ?? 'is not valid')
}

const VARIABLES: Record<string, string> = {
  prefix: 'S3_PREFIX',
  credentials: 'AWS_SECRET_ACCESS_KEY',
  publishCredentials: 'S3_PUBLISH_SECRET_ACCESS_KEY',
  encryption: 'S3_CUSTOMER_KEY',
}

function describeBucket(env: ResultsEnv) {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env
  return {
    backend: 's3',
    region: env.AWS_REGION,
    endpoint: env.S3_ENDPOINT,
    bucket: env.AWS_BUCKET_OUTPUT,
    adminlogsBucket: env.AWS_BUCKET_ADMINLOGS,
    prefix: env.S3_PREFIX,
    pathStyle: env.S3_PATH_STYLE ?? env.S3_ENDPOINT !== undefined,
    credentials: accessKeyId === undefined ? undefined : { accessKeyId, secretAccessKey, sessionToken },
    publishCredentials:
      env.S3_PUBLISH_ACCESS_KEY_ID === undefined
        ? undefined
        : { accessKeyId: env.S3_PUBLISH_ACCESS_KEY_ID, secretAccessKey: env.S3_PUBLISH_SECRET_ACCESS_KEY },
    encryption: env.S3_ENCRYPTION && {
      kind: env.S3_ENCRYPTION,
      keyId: env.S3_KMS_KEY_ID,
      key: env.S3_CUSTOMER_KEY,
    },
  }
}

/**
 * The configuration for a step that publishes, as text with its keys in the clear: for that step's private file and
 * nothing else. Where there are keys that may only put objects, the step gets those and no others.
 */
export function formatResultsConfig(config: ResultsConfig): string {
  const targets = config.targets.map((target) => {
    if (target.backend !== 's3') return target
    const { publishCredentials, ...rest } = target
    return publishCredentials ? { ...rest, credentials: publishCredentials } : rest
  })
  // A Secret gives itself away to nobody, JSON included: each is taken out by hand, from the value and not its text.
  return JSON.stringify(reveal({ targets }))
}

function reveal(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal()
  if (Array.isArray(value)) return value.map(reveal)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, reveal(member)]))
}

/** Reads what `formatResultsConfig` wrote. @throws ZodError, SyntaxError */
export function parseResultsConfig(text: string): ResultsConfig {
  return resultsConfigSchema.parse(JSON.parse(text))
}
