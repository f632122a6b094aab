import { addressOf } from '@c2d/chain'
import { ConfigError, secretSchema } from '@c2d/runtime'
import { z } from 'zod'
import { environmentPlacementSchema } from './executor/kubernetes/settings.ts'
import { publishSettingsSchema } from './steps/publish-settings.ts'

const privateKeySchema = secretSchema.refine((key) => /^0x/.test(key.reveal()) && isPrivateKey(key.reveal()), {
  message: 'must be a private key: 0x and 64 hex digits, a number of the curve secp256k1',
  abort: true,
})

/** One environment, as an entry of ENVIRONMENTS says it. */
export const environmentSchema = z
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

/** One environment, checked. */
export type ConfiguredEnvironment = z.infer<typeof environmentSchema>

/** One environment in the original's words (operator-engine-behaviour §12). */
export const originalVariables = {
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
}

/** What each of them is of an environment. */
const MEMBERS = {
  ENVIRONMENT_ID: 'id',
  OPERATOR_PRIVATE_KEY: 'privateKey',
  nCPU: 'cpuNumber',
  cpuType: 'cpuType',
  nGPU: 'gpuNumber',
  gpuType: 'gpuType',
  ramGB: 'ramGB',
  diskGB: 'diskGB',
  priceMinute: 'priceMin',
  description: 'desc',
  maxJobs: 'maxJobs',
  maxJobDuration: 'maxJobDuration',
  STORAGE_EXPIRY: 'storageExpiry',
} as const satisfies Record<keyof typeof originalVariables, keyof ConfiguredEnvironment>

type OriginalVariables = z.output<z.ZodObject<typeof originalVariables>>

/**
 * The environments that are named, as a list or as one in the original's words.
 * @param context takes what is wrong, by the variable's name
 * @returns null where something is
 */
export function readEnvironments(
  env: OriginalVariables & { ENVIRONMENTS?: ConfiguredEnvironment[] | undefined },
  context: Pick<z.RefinementCtx, 'addIssue'>,
): ConfiguredEnvironment[] | null {
  if (!env.ENVIRONMENTS) return readOriginalEnvironment(env, context)
  const ids = env.ENVIRONMENTS.map(({ id }) => id)
  const twice = ids.find((id, index) => ids.indexOf(id) < index)
  if (twice === undefined) return env.ENVIRONMENTS
  context.addIssue({ code: 'custom', path: ['ENVIRONMENTS'], message: `names ${twice} more than once` })
  return null
}

function readOriginalEnvironment(
  env: OriginalVariables,
  context: Pick<z.RefinementCtx, 'addIssue'>,
): ConfiguredEnvironment[] | null {
  if (env.OPERATOR_PRIVATE_KEY === undefined) {
    const message =
      'names the environments to serve (JSON), or OPERATOR_PRIVATE_KEY with the original variables names one'
    context.addIssue({ code: 'custom', path: ['ENVIRONMENTS'], message })
    return null
  }
  const variables = Object.entries(MEMBERS) as [keyof typeof MEMBERS, string][]
  const parsed = environmentSchema.safeParse(Object.fromEntries(variables.map(([name, member]) => [member, env[name]])))
  if (parsed.success) return [parsed.data]
  for (const { path, message } of parsed.error.issues) {
    const [variable = 'ENVIRONMENTS'] = variables.find(([, member]) => member === path[0]) ?? []
    context.addIssue({ code: 'custom', path: [variable], message })
  }
  return null
}

function isPrivateKey(text: string): boolean {
  try {
    addressOf(text)
    return true
  } catch (thrown) {
    if (thrown instanceof ConfigError) return false
    throw thrown
  }
}
