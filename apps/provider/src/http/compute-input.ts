import { computeAlgorithmSchema, type ComputeAlgorithm } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { valueOf, type Input } from './field-rules.ts'

interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false }
}

/**
 * A structured member of a request.
 * @throws AppError `ValidationFailed` where the reference would fail with a 503
 */
export function parseMember<T>(input: Input, field: string, schema: Schema<T>): T {
  const parsed = schema.safeParse(valueOf(input, field))
  if (parsed.success) return parsed.data
  throw new AppError('ValidationFailed', { fields: { [field]: [`The ${field} format is invalid.`] } })
}

/** The algorithm of a request; its `meta` may come as JSON text (provider-http-api §1.7). */
export function parseAlgorithm(input: Input): ComputeAlgorithm {
  const algorithm = valueOf(input, 'algorithm')
  const meta = valueOf(input, 'algorithm.meta')
  if (typeof meta !== 'string') return parseMember(input, 'algorithm', computeAlgorithmSchema)
  return parseMember(
    { algorithm: { ...(algorithm as object), meta: parseJson(meta) } },
    'algorithm',
    computeAlgorithmSchema,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text // not JSON: the schema refuses a text here
  }
}
