import { loadConfig } from '@c2d/runtime'
import { z } from 'zod'

const schema = z
  .object({ RESULTS_FOLDER: z.string().min(1, 'names the folder of the results volume') })
  .transform((env) => ({ resultsFolder: env.RESULTS_FOLDER }))

export type Config = z.infer<typeof schema>

/** RESULTS_FOLDER: where the volume for results is mounted. */
export function readConfig(env: Record<string, string | undefined>): Config {
  return loadConfig(schema, env)
}
