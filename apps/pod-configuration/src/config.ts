import { loadConfig } from '@c2d/runtime'
import { z } from 'zod'

const schema = z
  .object({
    OUTBOUND_ALLOW: z
      .string()
      .default('')
      .transform((list) => list.split(',').filter(Boolean)),
    STEP_FILES: z.string().optional(),
    VOLUME: z.string().optional(),
    REQUEST_TIMEOUT: z.coerce.number().positive().default(30),
  })
  .transform((env) => ({
    allowList: env.OUTBOUND_ALLOW,
    requestTimeoutMs: env.REQUEST_TIMEOUT * 1000,
    stepFiles: env.STEP_FILES,
    volume: env.VOLUME,
  }))

export type Config = z.infer<typeof schema>

/**
 * STEP_FILES, VOLUME: what the flags of the same meaning default to.
 * OUTBOUND_ALLOW: `host` or `host:port` entries that may be reached although they are not public.
 * REQUEST_TIMEOUT: seconds without a byte after which a fetch is given up.
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  return loadConfig(schema, env)
}
