import { z } from 'zod'
import { Secret } from './secret.ts'

/** Every problem of an environment at once, so an operator mends them in one go. */
export class ConfigError extends Error {
  constructor(problems: string[]) {
    super(
      `the configuration is not valid (docs/operations.md explains each setting):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    )
    this.name = 'ConfigError'
  }
}

/**
 * Parses environment variables with an app's schema.
 * @param schema maps the original variable names to a nested, well-named object
 * @param env usually `process.env`; tests pass a record. Empty values count as absent.
 * @throws ConfigError naming every offending variable
 */
export function loadConfig<S extends z.ZodType>(schema: S, env: Record<string, string | undefined>): z.output<S> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => {
    const [name] = issue.path
    const isAbsent = issue.code === 'invalid_type' && issue.path.length === 1 && !(String(name) in given)
    return `${issue.path.join('.') || 'environment'}: ${isAbsent ? 'is needed' : issue.message}`
  })
  throw new ConfigError([...new Set(problems)])
}

/**
 * Lets a rule about several variables be told together with what is wrong with single ones: as second argument of
 * `superRefine`, it has the rule asked as soon as those it reads are right by themselves. Without it, and in `transform`,
 * a rule waits until everything is.
 * @param names the variables that the rule reads
 */
export function whenValid(...names: readonly string[]): { when: (parsed: z.core.ParsePayload) => boolean } {
  return { when: ({ issues }) => !issues.some(({ path }) => names.includes(String(path?.[0]))) }
}

/** A secret value: wrapped, so printing the configuration shows `[redacted]`. */
export const secretSchema = z.string().transform((value) => new Secret(value))

/** `true`, `1`, `yes`, `on` and their opposites, in any casing. */
export const flagSchema = z.stringbool()

/** A JSON text, parsed and then checked by another schema. */
export function jsonSchema<S extends z.ZodType>(schema: S) {
  return z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown
      } catch {
        context.addIssue({ code: 'custom', message: 'must be JSON' })
        return z.NEVER
      }
    })
    .pipe(schema)
}

/** A TCP port. */
export const portSchema = z.coerce.number().int().min(0).max(65_535)
