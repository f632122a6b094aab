import { z } from 'zod'

const wholeNumber = z.string().regex(/^\d+$/, 'must be a whole number').optional()

/** Variables of the configure step, checked there in full; the engine hands them on. */
export const stagingVariables = {
  MAX_FILES_AT_ONCE: wholeNumber,
  MAX_CONNECTIONS_PER_FILE: wholeNumber,
  MAX_INPUT_FILES: wholeNumber,
  MAX_INPUT_BYTES: wholeNumber,
  PROGRESS_SECONDS: wholeNumber,
}

/** Those of them that are set. */
export function pickStagingVariables(
  env: Partial<Record<keyof typeof stagingVariables, string | undefined>>,
): Record<string, string> {
  const names = Object.keys(stagingVariables) as (keyof typeof stagingVariables)[]
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}
