import { AppError } from '@c2d/runtime'

/** Why a compute request is refused: which part of it, and the wire code (provider-http-api §8.3). */
interface Refusal {
  readonly resource: string
  readonly code: string
}

/** The refusal as the reference answers it: 400 `{"error":{resource: code}}`. */
export function computeRefused({ resource, code }: Refusal): AppError {
  return new AppError('ComputeRefused', { detail: `${resource}: ${code}`, legacy: { [resource]: code } })
}
