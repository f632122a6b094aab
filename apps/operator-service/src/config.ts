import { addressSchema } from '@c2d/contracts'
import { Secret, flagSchema, loadConfig, portSchema, secretSchema, whenValid } from '@c2d/runtime'
import { buildResultsConfig, resultsSettings } from '@c2d/storage'
import { z } from 'zod'

/** A scheme, a host, a port perhaps, and nothing else. */
const originSchema = z
  .url({ protocol: /^https?$/ })
  .transform((url) => new URL(url))
  .refine(({ origin, href }) => href === `${origin}/`, 'must be an origin: scheme, host and port')
  .transform(({ origin }) => origin)

const schema = z
  .object({
    DATABASE_URL: secretSchema.optional(),
    POSTGRES_HOST: z.string().optional(),
    POSTGRES_PORT: portSchema.default(5432),
    POSTGRES_USER: z.string().optional(),
    POSTGRES_PASSWORD: secretSchema.optional(),
    POSTGRES_DB: z.string().optional(),
    POD_DATABASE_PASSWORD: secretSchema.optional(),
    OPERATOR_URL: z.url({ protocol: /^https?$/ }).default('http://0.0.0.0:8050'),
    ALLOWED_PROVIDERS: z.string().default('').transform(readList).pipe(z.array(addressSchema)),
    SIGNATURE_REQUIRED: flagSchema.default(true),
    ALLOWED_ADMINS: z.string().default('').transform(readList),
    OPERATOR_ADDRESS: z.string().optional(),
    ALGO_POD_TIMEOUT: z.string().optional(),
    STORAGE_EXPIRY: z.string().optional(),
    ...resultsSettings,
    RESULT_ORIGINS: z.string().default('').transform(readList).pipe(z.array(originSchema)),
    ENVIRONMENT_MAX_AGE: z.coerce.number().positive().default(600),
    ENGINE_SECRET: secretSchema.optional(),
    MIGRATE_ONLY: flagSchema.default(false),
    RATE_LIMIT_PER_MINUTE: z.coerce.number().int().nonnegative().default(0),
    TRUSTED_PROXIES: z.coerce.number().int().nonnegative().default(0),
    MAX_BODY_BYTES: z.coerce
      .number()
      .int()
      .positive()
      .default(1024 * 1024),
    LOG_LEVEL: z
      .string()
      .toLowerCase()
      .pipe(z.enum(['error', 'warn', 'info', 'debug']))
      .default('info'),
  })
  .superRefine(
    (env, context) => {
      if (!env.SIGNATURE_REQUIRED || env.ALLOWED_PROVIDERS.length > 0) return
      const message = 'must name a provider, or nobody could call (SIGNATURE_REQUIRED=false lets anybody)'
      context.addIssue({ code: 'custom', path: ['ALLOWED_PROVIDERS'], message })
    },
    whenValid('SIGNATURE_REQUIRED', 'ALLOWED_PROVIDERS'),
  )
  .superRefine((env, context) => {
    if (env.DATABASE_URL ?? buildDatabaseUrl(env)) return
    const message = 'is needed, or POSTGRES_HOST, POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB'
    context.addIssue({ code: 'custom', path: ['DATABASE_URL'], message })
  }, whenValid('POSTGRES_PORT'))
  .superRefine((env, context) => void buildResultsConfig(env, context), whenValid(...Object.keys(resultsSettings)))
  .transform((env, context) => {
    const databaseUrl = env.DATABASE_URL ?? buildDatabaseUrl(env)
    if (!databaseUrl) return z.NEVER // told by the rule above: nothing comes here that broke one
    const listenOn = new URL(env.OPERATOR_URL)
    return {
      databaseUrl,
      podDatabasePassword: env.POD_DATABASE_PASSWORD,
      host: listenOn.hostname.replace(/^\[|\]$/g, ''),
      port: Number(listenOn.port || (listenOn.protocol === 'https:' ? 443 : 80)),
      allowedProviders: env.ALLOWED_PROVIDERS,
      isSignatureRequired: env.SIGNATURE_REQUIRED,
      allowedAdmins: env.ALLOWED_ADMINS.map((secret) => new Secret(secret)),
      environmentMaxAgeSeconds: env.ENVIRONMENT_MAX_AGE,
      bodyLimitBytes: env.MAX_BODY_BYTES,
      engineSecret: env.ENGINE_SECRET,
      isMigrateOnly: env.MIGRATE_ONLY,
      requestsPerMinute: env.RATE_LIMIT_PER_MINUTE,
      trustedProxies: env.TRUSTED_PROXIES,
      results: buildResultsConfig(env, context),
      resultOrigins: env.RESULT_ORIGINS,
      logLevel: env.LOG_LEVEL,
      info: {
        address: env.OPERATOR_ADDRESS ?? null,
        algoTimeLimit: env.ALGO_POD_TIMEOUT ?? null,
        storageExpiry: env.STORAGE_EXPIRY ?? null,
      },
    }
  })

export type Config = z.infer<typeof schema>

/**
 * The settings of operator-service, by the reference's names (operator-service-api §12) and these:
 * DATABASE_URL: in place of POSTGRES_*. RESULTS_FOLDER, AWS_*, IPFS_*: where results are kept.
 * RESULT_ORIGINS: where results of jobs may be read that an engine of the original ran, `https://host`; none unless said.
 * POD_DATABASE_PASSWORD: set for the role that pods report as, after the migrations.
 * MIGRATE_ONLY: migrate, set that password, and end; then the service itself needs no more than the role c2d_service.
 * ENGINE_SECRET: what engines know this service by; without it there are no live logs.
 * RATE_LIMIT_PER_MINUTE: requests an address may make in a minute; 0, the default, sets no limit, because all consumers
 * of a provider come from its address. TRUSTED_PROXIES: how many proxies of the operator stand before this service.
 * ENVIRONMENT_MAX_AGE: seconds after which a silent environment is neither listed nor given jobs.
 * MAX_BODY_BYTES: larger requests are refused. ALLOWED_PROVIDERS, ALLOWED_ADMINS: a JSON array, or words with commas.
 * @throws ConfigError naming every offending variable
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  return loadConfig(schema, env)
}

function buildDatabaseUrl(env: {
  POSTGRES_HOST?: string | undefined
  POSTGRES_PORT: number
  POSTGRES_USER?: string | undefined
  POSTGRES_PASSWORD?: Secret | undefined
  POSTGRES_DB?: string | undefined
}): Secret | undefined {
  const { POSTGRES_HOST: host, POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: database } = env
  if (!host || !user || !password || !database) return undefined
  const [name, word, path] = [user, password.reveal(), database].map(encodeURIComponent)
  return new Secret(`postgres://${name ?? ''}:${word ?? ''}@${host}:${env.POSTGRES_PORT}/${path ?? ''}`)
}

function readList(text: string, context: z.RefinementCtx): string[] {
  if (!text.trimStart().startsWith('[')) {
    return text
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean)
  }
  try {
    return z.array(z.string()).parse(JSON.parse(text))
  } catch {
    context.addIssue({ code: 'custom', message: 'must be a JSON array of texts' })
    return z.NEVER
  }
}
