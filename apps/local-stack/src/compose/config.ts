import { delimiter, dirname } from 'node:path'
import { loadConfig } from '@c2d/runtime'
import { z } from 'zod'

const urlSchema = z.url({ protocol: /^https?$/ })
const imageSchema = z
  .string()
  .regex(/^[^@]+:[^:@/]+@sha256:[0-9a-f]{64}$/, 'must be image:tag@sha256:…')
  .transform((text) => {
    const [name = '', checksum = ''] = text.split('@')
    const colon = name.lastIndexOf(':')
    return { image: name.slice(0, colon), tag: name.slice(colon + 1), checksum }
  })

const schema = z
  .object({
    CHAIN_URL: urlSchema.default('http://chain:8545'),
    PROVIDER_URL: urlSchema.default('http://provider:8030'),
    METADATA_CACHE_URL: urlSchema.default('http://metadata-cache:8095'),
    FILES_URL: urlSchema.default('http://files:8070'),
    SHARED_FOLDER: z.string().default('/var/lib/c2d/shared'),
    STATE_FOLDER: z.string().default('/var/lib/c2d/state'),
    ALGORITHM_IMAGE: imageSchema.optional(),
    PATH: z.string().default('/usr/local/bin:/usr/bin:/bin'),
  })
  .transform((env) => ({
    chainUrl: env.CHAIN_URL,
    providerUrl: env.PROVIDER_URL,
    metadataCacheUrl: env.METADATA_CACHE_URL,
    filesUrl: env.FILES_URL,
    sharedFolder: env.SHARED_FOLDER,
    stateFolder: env.STATE_FOLDER,
    algorithmImage: env.ALGORITHM_IMAGE,
    path: [dirname(process.execPath), env.PATH].join(delimiter),
  }))

/** Where the parts of the stack are that runs in containers. */
export type ComposeConfig = z.infer<typeof schema>

/**
 * CHAIN_URL, PROVIDER_URL, METADATA_CACHE_URL, FILES_URL: where the others are reached, by pods too.
 * SHARED_FOLDER: what the chain and the file origin tell the others. STATE_FOLDER: what a restart must find again.
 * ALGORITHM_IMAGE: `image:tag@sha256:…` with a node, in place of the published one, where that cannot be pulled.
 * @throws ConfigError naming every offending variable
 */
export function readComposeConfig(env: Readonly<Record<string, string | undefined>>): ComposeConfig {
  return loadConfig(schema, env)
}
