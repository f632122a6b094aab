import { addressSchema } from '@c2d/contracts'
import { flagSchema, jsonSchema, loadConfig, portSchema, secretSchema, whenValid, type Secret } from '@c2d/runtime'
import { buildResultsConfig, resultsSettings } from '@c2d/storage'
import { z } from 'zod'
import {
  environmentSchema,
  originalVariables,
  readEnvironments,
  type ConfiguredEnvironment,
} from './environment-settings.ts'
import { buildClusterConfig, clusterVariables } from './executor/kubernetes/settings.ts'
import type { UrlSignerOptions } from './proofs/url-signer.ts'
import { walletSettingsSchema } from './transactions/wallet-settings.ts'
import { pickStagingVariables, stagingVariables } from './steps/staging-variables.ts'

const httpUrlSchema = z.url({ protocol: /^https?$/ })

/** One environment this engine serves. */
export type EnvironmentConfig = ConfiguredEnvironment & { maxQueueSeconds: number }

const PROCESS_SETTINGS = ['WORKSPACES_FOLDER', 'POD_CONFIGURATION_PROGRAM', 'POD_PUBLISHING_PROGRAM'] as const
const CLUSTER_SETTINGS = Object.keys(clusterVariables)

const configSchema = z
  .object({
    DATABASE_URL: secretSchema,
    POD_DATABASE_URL: secretSchema,
    ENVIRONMENTS: jsonSchema(z.array(environmentSchema).min(1)).optional(),
    ...originalVariables,
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
    LOG_LEVEL: z
      .string()
      .toLowerCase()
      .pipe(z.enum(['error', 'warn', 'info', 'debug']))
      .default('info'),
  })
  .superRefine((env, context) => void readEnvironments(env, context), whenValid('ENVIRONMENTS'))
  .superRefine(
    ({ LEASE_SECONDS, TICK_SECONDS }, context) => {
      if (LEASE_SECONDS > TICK_SECONDS) return
      const message = 'must be longer than TICK_SECONDS, or leases run out between two renewals'
      context.addIssue({ code: 'custom', path: ['LEASE_SECONDS'], message })
    },
    whenValid('LEASE_SECONDS', 'TICK_SECONDS'),
  )
  .superRefine(
    ({ PROOF_SIGNER_URL: url, PROOF_SIGNER_ADDRESS: address }, context) => {
      if ((url === undefined) === (address === undefined)) return
      const missing = url === undefined ? 'PROOF_SIGNER_URL' : 'PROOF_SIGNER_ADDRESS'
      context.addIssue({ code: 'custom', path: [missing], message: 'a proof signer is an address and a URL' })
    },
    whenValid('PROOF_SIGNER_URL', 'PROOF_SIGNER_ADDRESS'),
  )
  .superRefine((env, context) => {
    if (env.EXECUTOR !== 'process') return
    for (const name of PROCESS_SETTINGS) {
      if (env[name] === '') context.addIssue({ code: 'custom', path: [name], message: 'is needed by EXECUTOR=process' })
    }
  }, whenValid('EXECUTOR'))
  .superRefine(
    (env, context) => {
      if (env.EXECUTOR === 'kubernetes') buildClusterConfig(env, [], context)
    },
    whenValid('EXECUTOR', ...CLUSTER_SETTINGS),
  )
  .superRefine(
    (env, context) => {
      const environments = readEnvironments(env, context)
      if (env.EXECUTOR === 'kubernetes' && environments) buildClusterConfig(env, environments, context)
    },
    whenValid('EXECUTOR', 'ENVIRONMENTS', ...CLUSTER_SETTINGS),
  )
  .superRefine((env, context) => void buildResultsConfig(env, context), whenValid(...Object.keys(resultsSettings)))
  .transform((env, context) => {
    const environments = readEnvironments(env, context)
    if (!environments) return z.NEVER // told by the rule above: nothing comes here that broke one
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
