import { loadConfig } from '@c2d/runtime'
import { z } from 'zod'
import { isAddress } from './seal-gate/parse-address.ts'

const schema = z
  .object({
    OUTBOUND_ALLOW: z
      .string()
      .default('')
      .transform((list) => list.split(',').filter(Boolean)),
    STEP_FILES: z.string().optional(),
    VOLUME: z.string().optional(),
    SEAL_CONTROL: z.string().refine(isAddress, 'must be an IP address and a port').optional(),
    SEAL_MARK_ID: z.string().optional(),
    REQUEST_TIMEOUT: z.coerce.number().positive().default(30),
  })
  .transform((env) => ({
    allowList: env.OUTBOUND_ALLOW,
    seal: env.SEAL_CONTROL && env.SEAL_MARK_ID ? { control: env.SEAL_CONTROL, markId: env.SEAL_MARK_ID } : null,
    requestTimeoutMs: env.REQUEST_TIMEOUT * 1000,
    stepFiles: env.STEP_FILES,
    volume: env.VOLUME,
  }))

export type Config = z.infer<typeof schema>

/**
 * STEP_FILES, VOLUME: what the flags of the same meaning default to.
 * OUTBOUND_ALLOW: `host` or `host:port` entries that may be reached although they are not public.
 * SEAL_CONTROL, SEAL_MARK_ID: `ip:port` that this pod reaches and the algorithm must not, and what to call the mark that
 * says so; without both there is no mark, and no algorithm behind a seal gate ever starts.
 * REQUEST_TIMEOUT: seconds without a byte after which a fetch is given up.
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  return loadConfig(schema, env)
}
