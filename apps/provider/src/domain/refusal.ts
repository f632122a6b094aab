import { AppError } from '@c2d/runtime'

/** Why a compute request is refused: which part of it, and the wire code (provider-http-api §8.3). */
export interface Refusal {
  readonly resource: string
  readonly code: string
}

/** Where a check says no. */
export interface Refused {
  readonly refusal: Refusal
}

/** A refusal, ready to be returned. */
export function refuse(resource: string, code: string): Refused {
  return { refusal: { resource, code } }
}

/**
 * What a check accepted.
 * @throws AppError `ComputeRefused` where it said no
 */
export function accepted<T extends object>(result: T): Exclude<T, Refused> {
  if ('refusal' in result) throw computeRefused((result as Refused).refusal)
  return result as Exclude<T, Refused>
}

/** The refusal as the reference answers it: 400 `{"error":{resource: code}}`. */
export function computeRefused({ resource, code }: Refusal): AppError {
  return new AppError('ComputeRefused', { detail: `${resource}: ${code}`, legacy: { [resource]: code } })
}

/** A refusal whose text names the network, as the reference prefixes most of them (provider-http-api §1.7). */
export function networkText(network: string, text: string): string {
  return `Provider ${network}: ${text}`
}
