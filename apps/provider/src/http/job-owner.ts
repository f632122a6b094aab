import { AUTH_TOKEN_HEADER, computeJobMessage, didSchema } from '@c2d/contracts'
import { requestInput } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import type { Request } from 'express'
import type { JobQuery } from '../clients/operator-service.ts'
import type { ConsumerAuth } from '../domain/auth/consumer-auth.ts'
import { JOB_FIELDS } from './compute-fields.ts'
import { assertFields, textOf, type FieldRule, type Input } from './field-rules.ts'

/** A request about somebody's jobs, its fields checked. */
export interface JobRequest {
  input: Input
  query: JobQuery
  /** The `AuthToken` header. */
  authToken: string | undefined
}

/**
 * Which jobs are meant: the job id decides. An agreement counts only without one, and only if it is a transaction hash:
 * clients also send DIDs there, and hashes without 0x (ocean-js-client §4).
 * @throws AppError `ValidationFailed`
 */
export function parseJobRequest(request: Request, fields: readonly FieldRule[] = JOB_FIELDS): JobRequest {
  const input = requestInput(request)
  assertFields(input, fields)
  const owner = textOf(input, 'consumerAddress') ?? ''
  const jobId = textOf(input, 'jobId')
  const authToken = request.get(AUTH_TOKEN_HEADER)
  if (jobId !== undefined) return { input, query: { owner, jobId }, authToken }
  const hash = /^(?:0x)?([0-9a-f]{64})$/i.exec(textOf(input, 'agreementId') ?? '')?.[1]
  return { input, query: { owner, ...(hash ? { agreementId: `0x${hash.toLowerCase()}` } : {}) }, authToken }
}

/**
 * The caller owns the jobs it names: consumer, job, DID and nonce are signed. Where no nonce was sent, it is the one the
 * client must have used.
 * @throws AppError `InvalidSignature`, `StaleNonce`; `ValidationFailed` for a nonce that is missed
 */
export async function assertOwner({ input, query, authToken }: JobRequest, auth: ConsumerAuth): Promise<void> {
  const documentId = textOf(input, 'documentId')
  // Anything else there would let the texts of other routes be read as this one's.
  if (documentId !== undefined && !didSchema.safeParse(documentId).success) {
    throw new AppError('ValidationFailed', { fields: { documentId: ['The documentId format is invalid.'] } })
  }
  const sent = textOf(input, 'nonce')
  const nonce = sent ?? (await auth.impliedNonce(query.owner))
  const prefix = computeJobMessage({
    consumerAddress: query.owner,
    jobId: query.jobId,
    documentId,
    nonce: '',
  })
  const signature = textOf(input, 'signature')
  if (sent === undefined && !(await auth.isSignedBy(query.owner, prefix + nonce, signature))) {
    throw new AppError('ValidationFailed', { fields: { nonce: ['The nonce field is required.'] } })
  }
  await auth.assertSigned({ address: query.owner, signature, prefix, nonce, authToken })
}
