import type { OperatorService } from '../../clients/operator-service.ts'
import type { Verdict } from './docket.ts'
import type { ComputeCase } from './compute-case.ts'
import { evaluateCompute, type ComputeEvaluation, type EvaluationDeps } from './evaluate-compute.ts'
import { assetFeeWei, computeFeeWei } from '../orders/fees.ts'

/** What a start would meet. */
export interface ComputeExplanation {
  /** Whether no rule says no; those that are `skipped` were not judged. */
  allowed: boolean
  rules: Verdict[]
  /** Null where the main dataset or the environment is not known. */
  price: RunPrice | null
  queue: { waiting: number }
}

/** What a run costs, whoever asks. */
interface RunPrice {
  chainId: number
  token: string
  /** In wei of the token, for `seconds` and for the asset of the results. */
  amountWei: string
  /** What of it is for the asset; absent where none is asked for, or it costs nothing. */
  assetWei?: string
  seconds: number
  /** In whole tokens, as the environment announces it. */
  perMinute: number
}

/** How many jobs wait in an environment. */
export type CountWaiting = (environment: string) => Promise<number>

/**
 * Judges a compute request as a start would, and tells every rule's verdict. Changes nothing: no nonce is spent, no job
 * is started, nothing is waited for.
 * @param question.isSigned whether the consumer signed: others are told nothing about orders
 * @param question.seconds for how long the price is asked; by default as long as the environment lets an algorithm run
 */
export async function explainCompute(
  request: ComputeCase,
  question: { isSigned: boolean; seconds: number | null },
  deps: EvaluationDeps & { operator: OperatorService; countWaiting: CountWaiting },
): Promise<ComputeExplanation> {
  const orders = question.isSigned ? 'optional' : 'hidden'
  const [evaluation, waiting] = await Promise.all([
    evaluateCompute(request, { orders, orderTimeoutMs: 0, stopsAtDeny: false }, deps),
    deps.countWaiting(request.environment),
  ])
  const rules = evaluation.docket.verdicts()
  return {
    allowed: rules.every(({ outcome }) => outcome !== 'deny'),
    rules,
    price: buildPrice(evaluation, question.seconds),
    queue: { waiting },
  }
}

function buildPrice({ datasets, terms }: ComputeEvaluation, asked: number | null): RunPrice | null {
  const chain = datasets[0]?.found?.target.asset.chain
  const price = chain && terms?.get(chain)
  if (!chain || !price) return null
  const seconds = asked ?? price.maxDurationSeconds
  const assetWei = assetFeeWei(price)
  return {
    chainId: chain.chainId,
    token: price.feeToken,
    amountWei: computeFeeWei(price, 0, seconds).toString(),
    ...(assetWei > 0n ? { assetWei: assetWei.toString() } : {}),
    seconds,
    perMinute: price.pricePerMinute,
  }
}
