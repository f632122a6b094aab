import { nonceTextSchema } from '@c2d/contracts'
import type { JobFilter } from '@c2d/operator-db'
import { AppError } from '@c2d/runtime'
import type { SignedCall } from '../domain/provider-auth.ts'

/** The parameters of a call, as `requestInput` gives them. */
export type Input = Record<string, unknown>

/**
 * A text or number parameter as text; anything else is absent.
 * @throws AppError `InvalidRequest` for the one character that PostgreSQL cannot hold
 */
export function readText(input: Input, name: string): string | undefined {
  const value = input[name]
  if (typeof value === 'string' && value.includes('\0')) {
    throw new AppError('InvalidRequest', { detail: `"${name}" must not contain the character NUL` })
  }
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : undefined
}

/**
 * Asks for parameters in the reference's order and words.
 * @param call how the reference names the call, `PUT:/compute`
 * @throws AppError `InvalidRequest`
 */
export function assertFields(input: Input, names: readonly string[], call: string): void {
  if (Object.keys(input).length === 0) throw new AppError('InvalidRequest', { detail: 'payload seems empty.' })
  for (const name of names) {
    if (!(name in input)) {
      throw new AppError('InvalidRequest', { detail: `"${name}" is required in the call to ${call}` })
    }
  }
}

/**
 * Which jobs are meant: a selector below two characters is dropped (operator-service-api §4.1).
 * @throws AppError `InvalidRequest` when none is left
 */
export function readSelector(input: Input): JobFilter {
  const usable = (name: string): string | undefined => {
    const value = readText(input, name)
    return value !== undefined && value.length >= 2 ? value : undefined
  }
  const filter = { owner: usable('owner'), agreementId: usable('agreementId'), jobId: usable('jobId') }
  if (Object.values(filter).every((value) => value === undefined)) {
    throw new AppError('InvalidRequest', { detail: 'You have to specify one of agreementId, jobId or owner' })
  }
  return filter
}

/**
 * What the provider signed.
 * @throws AppError `InvalidRequest` for a missing nonce, or one that is no number
 */
export function readSignedCall(input: Input, call: string): SignedCall {
  const nonce = nonceTextSchema.safeParse(input['nonce'])
  if (!nonce.success) {
    const isAbsent = input['nonce'] === undefined || input['nonce'] === null
    const problem = isAbsent ? 'is required in' : 'must be a decimal number in'
    throw new AppError('InvalidRequest', { detail: `"nonce" ${problem} the call to ${call}` })
  }
  return {
    owner: readText(input, 'owner') ?? '',
    jobId: readText(input, 'jobId'),
    nonce: nonce.data,
    providerSignature: readText(input, 'providerSignature') ?? '',
  }
}
