import { PROVIDER_ENDPOINTS } from '@c2d/contracts'
import type { BodyDoc, RouteDoc } from '@c2d/http-kit'
import { ERROR_SCHEMAS } from './schemas.ts'

type Answer = BodyDoc & { description: string }

const BAD_REQUEST: Answer = { description: 'The request is not right, or is refused', schema: ERROR_SCHEMAS.badRequest }
const FAILURE: Answer = { description: 'Something this needs does not answer', schema: ERROR_SCHEMAS.failure }
const PROBLEM: Answer = {
  description: 'Any error, where Accept asks for this form',
  contentType: 'application/problem+json',
  schema: ERROR_SCHEMAS.problem,
}
const BUSY: Answer = { description: 'Too many requests; Retry-After tells when', schema: ERROR_SCHEMAS.refusal }
export const FORBIDDEN: Answer = { description: 'Not for this address', schema: ERROR_SCHEMAS.refusal }
export const MISSING: Answer = {
  description: 'There are no compute jobs here, or no such job',
  schema: ERROR_SCHEMAS.refusal,
}

/** An operation of the endpoint table, with the errors that every one can end in; names and paths have one source. */
export function operation(
  name: keyof typeof PROVIDER_ENDPOINTS,
  summary: string,
  doc: Omit<RouteDoc, 'method' | 'path' | 'summary' | 'operationId'>,
): RouteDoc {
  const [method, path] = PROVIDER_ENDPOINTS[name]
  return {
    ...doc,
    method: method.toLowerCase() as RouteDoc['method'],
    path,
    summary,
    operationId: name,
    responses: { ...doc.responses, '400': BAD_REQUEST, '429': BUSY, '503': FAILURE, default: PROBLEM },
  }
}
