import { loadConfig } from '@c2d/runtime'
import { z } from 'zod'

const schema = z
  .object({
    RESULTS_FOLDER: z.string().optional(),
    OUTBOUND_ALLOW: z
      .string()
      .default('')
      .transform((list) => list.split(',').filter(Boolean)),
  })
  .transform((env) => ({
    resultsFolder: env.RESULTS_FOLDER,
    outboundAllow: env.OUTBOUND_ALLOW,
  }))

export type Config = z.infer<typeof schema>

/**
 * RESULTS_FOLDER: where the volume for results is mounted, if results go to one; where else they go, and the keys for
 * it, come in the step's files and never in the environment.
 * OUTBOUND_ALLOW: hosts (`host` or `host:port`, with commas) that outputs may be sent to although they are not public.
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  return loadConfig(schema, env)
}
