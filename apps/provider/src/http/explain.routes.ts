import { computeDatasetSchema, computeStartMessage, PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { notFound, requestInput } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import { Router } from 'express'
import type { OperatorService } from '../clients/operator-service.ts'
import type { ConsumerAuth } from '../domain/consumer-auth.ts'
import type { EvaluationDeps } from '../domain/evaluate-compute.ts'
import { explainCompute, type CountWaiting } from '../domain/explain-compute.ts'
import { EXPLAIN_FIELDS } from './compute-fields.ts'
import { parseAlgorithm, parseMember } from './compute-input.ts'
import { assertFields, textOf, valueOf, type Input } from './field-rules.ts'
import { handle } from './handle.ts'

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
          isSigned: await isSigned(input, { consumerAddress, documentId: dataset.documentId ?? '' }),
          seconds: seconds === undefined ? null : Number(seconds),
        },
        { ...deps, operator },
      )
      response.json(explanation)
    }),
  )
  return router

  /**
   * Whether the consumer signed this question; a signature that is given must be good and new, so that one that was
   * seen before opens nothing.
   * @throws AppError `InvalidSignature`, `StaleNonce`
   */
  async function isSigned(input: Input, claim: { consumerAddress: string; documentId: string }): Promise<boolean> {
    const signature = textOf(input, 'signature')
    if (signature === undefined) return false
    const nonce = textOf(input, 'nonce') ?? ''
    if (!deps.auth.isSignedBy(claim.consumerAddress, computeStartMessage({ ...claim, nonce }), signature)) {
      const text = 'The signature is not the consumer’s for this dataset and nonce.'
      throw new AppError('InvalidSignature', { detail: text, fields: { signature: text } })
    }
    const last = await deps.auth.lastNonce(claim.consumerAddress)
    if (last === null || isAbove(nonce, last)) return true
    const text = `Invalid signature expected nonce (${last}) > current nonce (${nonce}).`
    throw new AppError('StaleNonce', { detail: text, fields: { signature: text } })
  }
}

/** Compares decimal texts of any length: nonces do not fit a double (provider-http-api §2.2). */
function isAbove(a: string, b: string): boolean {
  const [wholeA, fractionA] = partsOf(a)
  const [wholeB, fractionB] = partsOf(b)
  if (wholeA !== wholeB) return wholeA > wholeB
  const digits = Math.max(fractionA.length, fractionB.length)
  return fractionA.padEnd(digits, '0') > fractionB.padEnd(digits, '0')
}

function partsOf(nonce: string): [bigint, string] {
  const [whole = '0', fraction = ''] = nonce.split('.')
  return [BigInt(whole), fraction]
}
