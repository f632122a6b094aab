import { AUTH_TOKEN_HEADER, computeDatasetSchema, computeStartMessage, PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { notFound, requestInput } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import { Router } from 'express'
import type { OperatorService } from '../clients/operator-service.ts'
import type { ConsumerAuth } from '../domain/auth/consumer-auth.ts'
import type { EvaluationDeps } from '../domain/compute/evaluate-compute.ts'
import { explainCompute, type CountWaiting } from '../domain/compute/explain-compute.ts'
import { EXPLAIN_FIELDS } from './compute-fields.ts'
import { parseAlgorithm, parseMember } from './compute-input.ts'
import { assertFields, textOf, valueOf, type Input } from './field-rules.ts'
import { handle } from './handle.ts'

const NONCE_REQUIRED = 'The nonce field is required when signature is present.'

/**
 * `POST /compute/explain`: what `POST /compute` would say to the same body, rule by rule. Anybody may ask; orders are
 * judged for those who sign as for the start, with a nonce above the last one. Nothing is spent and nothing starts.
 */
export function explainRoutes(
  deps: EvaluationDeps & { operator: OperatorService | null; countWaiting: CountWaiting; auth: ConsumerAuth },
): Router {
  const router = Router()
  router.post(
    PROVIDER_ENDPOINTS.computeExplain[1],
    handle(async (request, response) => {
      const operator = deps.operator ?? notFound()
      const input = requestInput(request)
      assertFields(input, EXPLAIN_FIELDS)
      const dataset = parseMember(input, 'dataset', computeDatasetSchema)
      const consumerAddress = textOf(input, 'consumerAddress') ?? ''
      const seconds = textOf(input, 'seconds')
      const explanation = await explainCompute(
        {
          consumerAddress,
          environment: textOf(input, 'environment') ?? '',
          dataset,
          additionalDatasets: valueOf(input, 'additionalDatasets'),
          algorithm: parseAlgorithm(input),
          output: valueOf(input, 'output'),
        },
        {
          isSigned: await isSigned(input, {
            consumerAddress,
            documentId: dataset.documentId ?? '',
            authToken: request.get(AUTH_TOKEN_HEADER),
          }),
          seconds: seconds === undefined ? null : Number(seconds),
        },
        { ...deps, operator },
      )
      response.json(explanation)
    }),
  )
  return router

  /**
   * Whether the consumer signed this question, or sent an auth token with it; what is given must be good and new, so that
   * a signature that was seen before opens nothing.
   * @throws AppError as a start would
   */
  async function isSigned(
    input: Input,
    { authToken, ...claim }: { consumerAddress: string; documentId: string; authToken: string | undefined },
  ): Promise<boolean> {
    const signature = textOf(input, 'signature')
    if (signature === undefined && authToken === undefined) return false
    const nonce = textOf(input, 'nonce')
    if (nonce === undefined) throw new AppError('ValidationFailed', { fields: { nonce: [NONCE_REQUIRED] } })
    const prefix = computeStartMessage({ ...claim, nonce: '' })
    await deps.auth.assertWouldPass({ address: claim.consumerAddress, signature, prefix, nonce, authToken })
    return true
  }
}
