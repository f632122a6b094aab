import { createHash } from 'node:crypto'
import { START_JOB_REQUIRED_KEYS, startJobRequestSchema, workflowSchema, type Workflow } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { z } from 'zod'

const STAGE_KEYS = ['algorithm', 'compute', 'input', 'output'] as const

const envelopeSchema = startJobRequestSchema.omit({ workflow: true })

/** A start request without its workflow, which is looked at last (operator-service-api §3.2). */
export type StartEnvelope = z.infer<typeof envelopeSchema>

/**
 * Steps 1 to 3 of the reference's validation, then the types it does not look at.
 * @throws AppError `InvalidRequest` with the reference's texts
 */
export function parseStartEnvelope(input: Record<string, unknown>): StartEnvelope {
  if (Object.keys(input).length === 0) throw refused('payload seems empty.')
  for (const key of START_JOB_REQUIRED_KEYS) {
    if (!(key in input)) throw refused(`"${key}" is required in the call to POST:/compute`)
  }
  if (isFalsy(input['workflow'])) {
    throw refused('`workflow` is required in the payload and must include workflow stages')
  }
  const envelope = parseOrRefuse(envelopeSchema, input, '')
  for (const name of ['agreementId', 'owner', 'environment'] as const) {
    if (envelope[name].includes('\0')) throw refused(`Invalid ${name}: the character NUL cannot be stored`)
  }
  return envelope
}

/**
 * Steps 9 to 11, then everything a later reader of the row relies on: what passes here cannot poison a list.
 * @throws AppError `InvalidRequest` with the reference's texts
 */
export function parseWorkflow(workflow: unknown): Workflow {
  const stages = isObject(workflow) ? workflow['stages'] : undefined
  if (isFalsy(stages)) throw refused('Missing stages')
  if (Array.isArray(stages) && stages.length > 1) throw refused('Multiple stages are not supported yet')
  const stage: unknown = Array.isArray(stages) ? stages[0] : undefined
  for (const key of STAGE_KEYS) {
    if (isObject(stage) && !(key in stage)) throw refused(`Missing ${key} in stage 0`)
  }
  return parseOrRefuse(workflowSchema, workflow, 'workflow.')
}

/** What makes two start requests the same one: every member of the body, signature included. */
export function hashRequest(input: Record<string, unknown>): string {
  return createHash('sha256').update(JSON.stringify(input)).digest('hex')
}

function parseOrRefuse<S extends z.ZodType>(schema: S, value: unknown, prefix: string): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw refused(`Invalid ${prefix}${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not as expected'}`)
}

function refused(detail: string): AppError {
  return new AppError('InvalidRequest', { detail })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What the reference's language calls false. */
function isFalsy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return isObject(value) ? Object.keys(value).length === 0 : !value
}
