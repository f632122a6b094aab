import { addressSchema } from '@c2d/contracts'
import { flagSchema, jsonSchema, loadConfig, Secret, secretSchema, whenValid } from '@c2d/runtime'
import { z } from 'zod'
import { deriveAuthTokenSecret } from './domain/auth/auth-tokens.ts'

/** One value for the only chain, or one per chain id. */
export type PerChain<T = string> = { kind: 'single'; value: T } | { kind: 'map'; values: Map<number, T> }

const mapSchema = z.record(z.string().regex(/^\d+$/, 'must be a chain id'), z.string().min(1))

/** A plain text, or a JSON object of texts keyed by decimal chain id (provider-http-api §9.1). */
const perChainSchema = z.string().transform((text, context): PerChain => {
  if (!text.trimStart().startsWith('{')) return { kind: 'single', value: text }
  const parsed = jsonSchema(mapSchema).safeParse(text)
  if (parsed.success) {
    return { kind: 'map', values: new Map(Object.entries(parsed.data).map(([id, value]) => [Number(id), value])) }
  }
  context.addIssue({ code: 'custom', message: 'must be one value, or a JSON object of values by chain id' })
  return z.NEVER
})

const urlsSchema = z.array(z.string().min(1)).min(1)
const urlListSchema = z.union([
  z
    .string()
    .min(1)
    .transform((url) => [url]),
  urlsSchema,
])

/**
 * Endpoints: one, a JSON array of several (the first that answers serves), or a JSON object of either by chain id.
 */
const endpointsSchema = z.string().transform((text, context): PerChain<string[]> => {
  const start = text.trimStart().charAt(0)
  if (start !== '{' && start !== '[') return { kind: 'single', value: [text] }
  const list = jsonSchema(urlsSchema).safeParse(text)
  if (list.success) return { kind: 'single', value: list.data }
  const map = jsonSchema(z.record(z.string().regex(/^\d+$/), urlListSchema)).safeParse(text)
  if (map.success) {
    return { kind: 'map', values: new Map(Object.entries(map.data).map(([id, urls]) => [Number(id), urls])) }
  }
  context.addIssue({
    code: 'custom',
    message: 'must be an address, a JSON array, or a JSON object of either by chain id',
  })
  return z.NEVER
})

/** The same for keys: wrapped, so that printing the configuration shows none. */
const keysPerChainSchema = perChainSchema.transform((keys): PerChain<Secret> => {
  if (keys.kind === 'single') return { kind: 'single', value: new Secret(keys.value) }
  return { kind: 'map', values: new Map([...keys.values].map(([chainId, key]) => [chainId, new Secret(key)])) }
})

const bindSchema = z
  .string()
  .transform((text) => text.replace(/^\w+:\/\//, '').replace(/\/+$/, ''))
  .pipe(z.string().regex(/^(?:[\w.-]+|\[[0-9a-f:]+\])(?::\d+)?$/i, 'must be host:port'))
  .transform((text) => {
    const port = /:(\d+)$/.exec(text)?.[1]
    const host = text.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
    return { host, port: port === undefined ? 8030 : Number(port) }
  })

const listSchema = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
)

const secondsSchema = z.coerce.number().positive().max(3600)

const environmentSchema = z
  .object({
    /** Where to listen. */
    OCEAN_PROVIDER_URL: bindSchema.default({ host: '0.0.0.0', port: 8030 }),
    /** PostgreSQL of our own: nonces and revoked tokens, and nothing else. */
    DATABASE_URL: secretSchema,
    /** Where the chains are read; several endpoints of one chain stand in for each other. */
    NETWORK_URL: endpointsSchema,
    PROVIDER_PRIVATE_KEY: keysPerChainSchema,
    UNIVERSAL_PRIVATE_KEY: secretSchema.optional(),
    /** Default: the chain's OCEAN token. */
    PROVIDER_FEE_TOKEN: perChainSchema.optional(),
    ADDRESS_FILE: z.string(),
    AQUARIUS_URL: z.url().optional(),
    OPERATOR_SERVICE_URL: z.url().optional(),
    /** Bytes; larger files have no checksum, and larger algorithms do not run. */
    MAX_CHECKSUM_LENGTH: z.coerce.number().int().nonnegative().default(5_242_880),
    /** Seconds for origins and peers. */
    REQUEST_TIMEOUT: secondsSchema.default(10),
    /** Seconds to wait for an order that is not on chain yet. */
    ORDER_TIMEOUT: z.coerce.number().nonnegative().max(600).default(20),
    /** JSON array; empty or absent lets everybody decrypt. */
    AUTHORIZED_DECRYPTERS: jsonSchema(z.array(addressSchema)).default([]),
    /** How far below an address's highest nonce an unspent one still passes, in the nonce's own unit. */
    NONCE_WINDOW: z
      .string()
      .regex(/^\d{1,20}$/, 'must be a whole number')
      .default('10000'),
    /** `host` or `host:port`, comma separated: may be reached although not public. */
    OUTBOUND_ALLOW: listSchema.default([]),
    /** Every address may be reached. For development: it opens this machine's network to file addresses of strangers. */
    ALLOW_NON_PUBLIC_IP: flagSchema.default(false),
    /** Comma separated: where clients reach this provider. A service that names one of them is ours without asking. */
    PUBLIC_URLS: listSchema.default([]),
    /** Gateways of file types; `OUTBOUND_ALLOW` must name them where they are not public. */
    IPFS_GATEWAY: z.url().optional(),
    ARWEAVE_GATEWAY: z.url().optional(),
    /** `legacy`: empty trust lists mean everybody, as in the reference. */
    TRUST_LISTS: z.enum(['private', 'legacy']).default('private'),
    /** Lets environments download compute services by a bare signature, as the reference's pods do. */
    ALLOW_ENVIRONMENT_SIGNATURES: flagSchema.default(false),
    /** Signs auth tokens; 32 characters or more. Default: derived from the universal key, under a label of its own. */
    AUTH_TOKEN_SECRET: z.string().min(32, 'must have 32 characters or more').pipe(secretSchema).optional(),
    /** Seconds an auth token may live, at most. */
    MAX_AUTH_TOKEN_SECONDS: z.coerce.number().int().positive().default(86_400),
    /** Makes tokens for signatures that do not cover the expiry, as the reference's clients sign them. */
    LEGACY_AUTH_TOKENS: flagSchema.default(false),
    /** Asked before anything is given (provider-http-api §9.3). */
    RBAC_SERVER_URL: z.url().optional(),
    /** Any text: this provider calls itself private towards that server. */
    PRIVATE_PROVIDER: z.string().optional(),
    /** Where proofs of downloads are posted (provider-http-api §9.4). */
    USE_HTTP_PROOF: z.url().optional(),
    /** Writes proofs of downloads to the chain, at the provider's cost; `USE_HTTP_PROOF` goes before it. */
    USE_CHAIN_PROOF: flagSchema.default(false),
    MAX_BODY_BYTES: z.coerce
      .number()
      .int()
      .positive()
      .default(8 * 1024 * 1024),
    /** How many event streams and live logs may be open at once. */
    MAX_STREAMS: z.coerce.number().int().positive().default(500),
    /**
     * Requests of one client address, and signed ones of one consumer, in a minute; 0 sets no limit. Generous: ocean.js
     * asks the root before every call, and many consumers may share an address.
     */
    RATE_LIMIT_PER_MINUTE: z.coerce.number().int().nonnegative().default(6_000),
    /** How many proxies of the operator stand before us: without it, all who come through one share its limit. */
    TRUSTED_PROXIES: z.coerce.number().int().nonnegative().default(0),
    /** `host:port` where `/metrics` is served, and only there. Default: beside everything else. */
    METRICS_ADDRESS: bindSchema.optional(),
    LOG_LEVEL: z.enum(['error', 'warn', 'info', 'debug', 'silent']).default('info'),
  })
  .superRefine(
    (env, context) => {
      const problem = (path: string, message: string): void => {
        context.addIssue({ code: 'custom', path: [path], message })
      }
      const { NETWORK_URL: networks, PROVIDER_PRIVATE_KEY: keys } = env
      if (networks.kind !== keys.kind) {
        problem('NETWORK_URL', 'NETWORK_URL and PROVIDER_PRIVATE_KEY must both be single or both json encoded.')
      }
      if (networks.kind === 'map' && keys.kind === 'map') {
        for (const id of networks.values.keys()) {
          if (!keys.values.has(id)) problem('PROVIDER_PRIVATE_KEY', `has no key for chain ${id}`)
        }
      }
      if (keys.kind === 'map' && !env.UNIVERSAL_PRIVATE_KEY) {
        problem('UNIVERSAL_PRIVATE_KEY', 'Must define UNIVERSAL_PRIVATE_KEY or a single PROVIDER_PRIVATE_KEY.')
      }
    },
    whenValid('NETWORK_URL', 'PROVIDER_PRIVATE_KEY', 'UNIVERSAL_PRIVATE_KEY'),
  )

/** What the provider is told by its environment variables. */
export type ProviderConfig = z.output<typeof environmentSchema>

/**
 * Reads the provider's environment variables.
 * @throws ConfigError naming every offending variable
 */
export function loadProviderConfig(env: Record<string, string | undefined>): ProviderConfig {
  return loadConfig(environmentSchema, env)
}

/** The provider's own environment: the only place where it is read. */
export function processEnvironment(): Record<string, string | undefined> {
  return process.env
}

/** The key that signs towards the operator: the universal one, else the single one (provider-http-api §9.2). */
export function universalKeyOf(config: ProviderConfig): string {
  const { UNIVERSAL_PRIVATE_KEY: universal, PROVIDER_PRIVATE_KEY: keys } = config
  if (universal) return universal.reveal()
  return keys.kind === 'single' ? keys.value.reveal() : ''
}

/** What auth tokens are signed with: the configured secret, else one derived from the universal key. */
export function authTokenSecretOf(config: ProviderConfig): Uint8Array {
  const { AUTH_TOKEN_SECRET: secret } = config
  return secret ? Buffer.from(secret.reveal()) : deriveAuthTokenSecret(universalKeyOf(config))
}

/** The value for a chain, or undefined where a map does not name it. */
export function valueForChain<T>(values: PerChain<T>, chainId: number): T | undefined {
  return values.kind === 'single' ? values.value : values.values.get(chainId)
}
