import { addressOf } from '@c2d/chain'
import { addressSchema } from '@c2d/contracts'
import { flagSchema, jsonSchema, loadConfig, portSchema, secretSchema, type Secret } from '@c2d/runtime'
import { buildResultsConfig, resultsSettings } from '@c2d/storage'
import { z } from 'zod'
import { buildClusterConfig, clusterVariables, environmentPlacementSchema } from './executor/kubernetes/settings.ts'
import type { UrlSignerOptions } from './proofs/url-signer.ts'
import { publishSettingsSchema } from './steps/publish-settings.ts'
import { walletSettingsSchema } from './transactions/wallet-settings.ts'
import { pickStagingVariables, stagingVariables } from './steps/staging-variables.ts'

const privateKeySchema = secretSchema.refine((key) => /^0x[0-9a-fA-F]{64}$/.test(key.reveal()), {
  message: 'must be a private key: 0x and 64 hex digits',
})

const httpUrlSchema = z.url({ protocol: /^https?$/ })

const environmentSchema = z
  .object({
    /** Name clients order for; the row's `namespace`. */
    id: z.string().min(1).max(255),
    /** Key of the address that is the consumer of this environment's orders. */
    privateKey: privateKeySchema,
    cpuNumber: z.coerce.number().positive().default(1),
    cpuType: z.string().default(''),
    gpuNumber: z.coerce.number().int().nonnegative().default(0),
    gpuType: z.string().default(''),
    /** Memory of an algorithm, in GiB. */
    ramGB: z.coerce.number().positive().default(1),
    /** Size of a job's workspace, in GiB. */
    diskGB: z.coerce.number().positive().default(1),
    /** Price per minute, in whole fee tokens. */
    priceMin: z.coerce.number().nonnegative().default(0),
    desc: z.string().default(''),
    /** Jobs that run at the same time. */
    maxJobs: z.coerce.number().int().positive().default(10),
    /** Seconds an algorithm may run. */
    maxJobDuration: z.coerce.number().int().positive().default(60),
    /** Seconds results are kept; 0 is for ever. */
    storageExpiry: z.coerce.number().int().nonnegative().default(0),
    /** Seconds a job may wait for a slot; 0 is for ever. Absent: `MAX_QUEUE_SECONDS`. */
    maxQueueSeconds: z.coerce.number().int().nonnegative().optional(),
    allowedChainId: z.array(z.number().int()).optional(),
    /** Where and how its jobs run on a cluster. */
    kubernetes: environmentPlacementSchema.prefault({}),
    /** Results that become assets: bytes they may take up in all, and the price of one in whole fee tokens. Absent: none do. */
    derivedAssets: z
      .object({
        maxBytes: z.coerce.number().int().positive(),
        price: z.coerce.number().nonnegative().default(0),
      })
      .optional(),
    /** What jobs may publish, and how. */
    publish: publishSettingsSchema.prefault({}),
  })
  .transform((environment) => ({ ...environment, consumerAddress: addressOf(environment.privateKey.reveal()) }))

type ConfiguredEnvironment = z.infer<typeof environmentSchema>

/** One environment this engine serves. */
export type EnvironmentConfig = ConfiguredEnvironment & { maxQueueSeconds: number }

const configSchema = z
  .object({
    DATABASE_URL: secretSchema,
    POD_DATABASE_URL: secretSchema,
    ENVIRONMENTS: jsonSchema(z.array(environmentSchema).min(1)).optional(),
    // One environment in the original's words (operator-engine-behaviour §12).
    OPERATOR_PRIVATE_KEY: z.string().optional(),
    ENVIRONMENT_ID: z.string().default('ocean-compute'),
    nCPU: z.string().optional(),
    cpuType: z.string().optional(),
    nGPU: z.string().optional(),
    gpuType: z.string().optional(),
    ramGB: z.string().optional(),
    diskGB: z.string().optional(),
    priceMinute: z.string().optional(),
    description: z.string().optional(),
    maxJobs: z.string().optional(),
    maxJobDuration: z.string().optional(),
    STORAGE_EXPIRY: z.string().optional(),
    EXECUTOR: z.enum(['process', 'kubernetes']).default('process'),
    ...clusterVariables,
    /** For EXECUTOR=process: the folder of all jobs, and the pods' programs on this machine. */
    WORKSPACES_FOLDER: z.string().default(''),
    ...resultsSettings,
    ...stagingVariables,
    POD_CONFIGURATION_PROGRAM: z.string().default(''),
    POD_PUBLISHING_PROGRAM: z.string().default(''),
    OUTBOUND_ALLOW: z
      .string()
      .default('')
      .transform((list) => list.split(',').filter(Boolean)),
    /** Seconds a job may wait for a slot, where its environment does not say; 0 is for ever. */
    MAX_QUEUE_SECONDS: z.coerce.number().int().nonnegative().default(0),
    /** Seconds that outputs which could not be published are kept on the workspace. */
    KEEP_FAILED_SECONDS: z.coerce.number().int().nonnegative().default(3_600),
    /** Seconds until outputs that a consumer's own storage did not take are brought again; then ever longer. */
    DELIVERY_RETRY_SECONDS: z.coerce.number().positive().default(60),
    /** Seconds after a job's end when that is given up; 0 brings nothing again. */
    DELIVERY_LIMIT_SECONDS: z.coerce.number().nonnegative().default(86_400),
    /** Accounts that send to chains; see `walletSettingsSchema`. */
    WALLETS: jsonSchema(z.array(walletSettingsSchema)).optional(),
    /** Days after which another key signs proofs. */
    PROOF_KEY_DAYS: z.coerce.number().int().positive().default(90),
    /** Who signs proofs in place of a key of this process; its address, what it knows us by, how long it may take. */
    PROOF_SIGNER_URL: httpUrlSchema.optional(),
    PROOF_SIGNER_ADDRESS: addressSchema.optional(),
    PROOF_SIGNER_TOKEN: secretSchema.optional(),
    PROOF_SIGNER_TIMEOUT_SECONDS: z.coerce.number().positive().max(300).default(10),
    NOTIFY_START_URL: httpUrlSchema.optional(),
    NOTIFY_STOP_URL: httpUrlSchema.optional(),
    /** What whoever asks for a log must show; without it none is served. */
    ENGINE_SECRET: secretSchema.optional(),
    /** Where other services reach this engine; absent: its own address. */
    ENGINE_URL: httpUrlSchema.optional(),
    ALLOW_UNSANDBOXED: flagSchema.default(false),
    LEASE_SECONDS: z.coerce.number().min(1).default(15),
    TICK_SECONDS: z.coerce.number().positive().max(60).default(5),
    HEALTH_HOST: z.string().default('0.0.0.0'),
    HEALTH_PORT: portSchema.default(8060),
    LOG_LEVEL: z.string().default('info'),
  })
  .transform((env, context) => {
    const environments = env.ENVIRONMENTS ?? originalEnvironment(env)
    if (!environments) {
      context.addIssue({
        code: 'custom',
        path: ['ENVIRONMENTS'],
        message:
          'names the environments to serve (JSON), or OPERATOR_PRIVATE_KEY with the original variables names one',
      })
      return z.NEVER
    }
    if (env.LEASE_SECONDS <= env.TICK_SECONDS) {
      context.addIssue({
        code: 'custom',
        path: ['LEASE_SECONDS'],
        message: 'must be longer than TICK_SECONDS, or leases run out between two renewals',
      })
      return z.NEVER
    }
    if ((env.PROOF_SIGNER_URL === undefined) !== (env.PROOF_SIGNER_ADDRESS === undefined)) {
      const missing = env.PROOF_SIGNER_URL === undefined ? 'PROOF_SIGNER_URL' : 'PROOF_SIGNER_ADDRESS'
      context.addIssue({ code: 'custom', path: [missing], message: 'a proof signer is an address and a URL' })
      return z.NEVER
    }
    if (env.EXECUTOR === 'process') {
      for (const name of ['WORKSPACES_FOLDER', 'POD_CONFIGURATION_PROGRAM', 'POD_PUBLISHING_PROGRAM'] as const) {
        if (env[name] === '')
          context.addIssue({ code: 'custom', path: [name], message: 'is needed by EXECUTOR=process' })
      }
    }
    return {
      databaseUrl: env.DATABASE_URL,
      podDatabaseUrl: env.POD_DATABASE_URL,
      environments: environments.map((environment) => ({
        ...environment,
        maxQueueSeconds: environment.maxQueueSeconds ?? env.MAX_QUEUE_SECONDS,
      })),
      executor: env.EXECUTOR,
      cluster: env.EXECUTOR === 'kubernetes' ? buildClusterConfig(env, environments, context) : undefined,
      workspacesFolder: env.WORKSPACES_FOLDER,
      results: buildResultsConfig(env, context),
      resultsFolder: env.RESULTS_FOLDER,
      podConfigurationProgram: env.POD_CONFIGURATION_PROGRAM,
      podPublishingProgram: env.POD_PUBLISHING_PROGRAM,
      outboundAllow: env.OUTBOUND_ALLOW,
      staging: pickStagingVariables(env),
      keepFailedSeconds: env.KEEP_FAILED_SECONDS,
      deliveries: { firstPauseSeconds: env.DELIVERY_RETRY_SECONDS, limitSeconds: env.DELIVERY_LIMIT_SECONDS },
      wallets: env.WALLETS ?? [],
      proofKeyDays: env.PROOF_KEY_DAYS,
      proofSigner: buildProofSigner(env),
      notify: { start: env.NOTIFY_START_URL, stop: env.NOTIFY_STOP_URL },
      engineSecret: env.ENGINE_SECRET,
      engineUrl: env.ENGINE_URL,
      allowUnsandboxed: env.ALLOW_UNSANDBOXED,
      leaseSeconds: env.LEASE_SECONDS,
      tickMs: env.TICK_SECONDS * 1000,
      health: { host: env.HEALTH_HOST, port: env.HEALTH_PORT },
      logLevel: env.LOG_LEVEL,
    }
  })

/** Settings of the engine, checked. */
export type Config = z.infer<typeof configSchema>

/**
 * Reads the engine's settings.
 * @throws ConfigError naming every offending variable
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  return loadConfig(configSchema, env)
}

function buildProofSigner(env: {
  PROOF_SIGNER_URL?: string | undefined
  PROOF_SIGNER_ADDRESS?: string | undefined
  PROOF_SIGNER_TOKEN?: Secret | undefined
  PROOF_SIGNER_TIMEOUT_SECONDS: number
}): UrlSignerOptions | undefined {
  const { PROOF_SIGNER_URL: url, PROOF_SIGNER_ADDRESS: address, PROOF_SIGNER_TOKEN: token } = env
  if (url === undefined || address === undefined) return undefined
  return { url, address, token, timeoutMs: env.PROOF_SIGNER_TIMEOUT_SECONDS * 1000 }
}

function originalEnvironment(env: Record<string, unknown>): ConfiguredEnvironment[] | null {
  if (!env['OPERATOR_PRIVATE_KEY']) return null
  return [
    environmentSchema.parse({
      id: env['ENVIRONMENT_ID'],
      privateKey: env['OPERATOR_PRIVATE_KEY'],
      cpuNumber: env['nCPU'],
      cpuType: env['cpuType'],
      gpuNumber: env['nGPU'],
      gpuType: env['gpuType'],
      ramGB: env['ramGB'],
      diskGB: env['diskGB'],
      priceMin: env['priceMinute'],
      desc: env['description'],
      maxJobs: env['maxJobs'],
      maxJobDuration: env['maxJobDuration'],
      storageExpiry: env['STORAGE_EXPIRY'],
    }),
  ]
}
