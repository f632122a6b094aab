import { loadConfig } from '@c2d/runtime'
import { z } from 'zod'
import { isAddress } from './seal-gate/parse-address.ts'

const count = z.coerce.number().int().positive()

const schema = z
  .object({
    OUTBOUND_ALLOW: z
      .string()
      .default('')
      .transform((list) => list.split(',').filter(Boolean)),
    SEAL_CONTROL: z.string().refine(isAddress, 'must be an IP address and a port').optional(),
    SEAL_MARK_ID: z.string().optional(),
    REQUEST_TIMEOUT: z.coerce.number().positive().default(30),
    MAX_FILES_AT_ONCE: count.max(256).default(32),
    MAX_CONNECTIONS_PER_FILE: count.max(64).default(16),
    MAX_INPUT_FILES: count.default(100_000),
    MAX_INPUT_BYTES: count.optional(),
    PROGRESS_SECONDS: z.coerce.number().min(4).default(5),
  })
  .transform((env) => ({
    allowList: env.OUTBOUND_ALLOW,
    seal: env.SEAL_CONTROL && env.SEAL_MARK_ID ? { control: env.SEAL_CONTROL, markId: env.SEAL_MARK_ID } : null,
    requestTimeoutMs: env.REQUEST_TIMEOUT * 1000,
    maxFilesAtOnce: env.MAX_FILES_AT_ONCE,
    maxConnectionsPerFile: env.MAX_CONNECTIONS_PER_FILE,
    maxFiles: env.MAX_INPUT_FILES,
    maxBytes: env.MAX_INPUT_BYTES ?? null,
    progressEveryMs: env.PROGRESS_SECONDS * 1000,
  }))

export type Config = z.infer<typeof schema>

/**
 * OUTBOUND_ALLOW: `host` or `host:port` entries that may be reached although they are not public.
 * SEAL_CONTROL, SEAL_MARK_ID: `ip:port` that this pod reaches and the algorithm must not, and what to call the mark that
 * says so; without both there is no mark, and no algorithm behind a seal gate ever starts.
 * REQUEST_TIMEOUT: seconds without progress after which a fetch is given up, and tried again.
 * MAX_FILES_AT_ONCE, MAX_CONNECTIONS_PER_FILE: how much is fetched at the same time.
 * MAX_INPUT_FILES, MAX_INPUT_BYTES: of one job; the second is left to the volume where it is not set.
 * PROGRESS_SECONDS: pause between two lines of progress in the timeline; a job keeps a thousand of them.
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  return loadConfig(schema, env)
}
