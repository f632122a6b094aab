import type { OperatorService } from '../../clients/operator-service.ts'
import { HIDDEN, type DocketSection } from './docket.ts'
import type { ProviderChain } from '../chains/provider-chain.ts'
import type { ComputeCase, EvaluationMode } from './compute-case.ts'
import type { AlgorithmCase } from './judge-algorithm.ts'
import type { DatasetCase } from './judge-dataset.ts'
import { wantsDerivedAsset } from './judge-derived-asset.ts'
import { judgeEnvironment, judgeFees, judgeOrder, judgeReader, type OrderedService } from './judge-orders.ts'
import type { RunTerms } from './run-terms.ts'

/** Where orders, environment and fees are judged. */
export interface PaymentSections {
  datasets: DocketSection[]
  run: DocketSection
  environment: DocketSection
  order: DocketSection
}

/** What was found out about what a run costs; null where a rule said no, or none was asked. */
export interface Payment {
  /** Those whose orders pay for the run. */
  payers: OrderedService[] | null
  terms: ReadonlyMap<ProviderChain, RunTerms> | null
}

const NOT_ORDERED = 'Not judged: no order is named yet.'

/** What the run costs, and whether the orders pay for it: rows 3l, 4b and 5 of provider-http-api §8.3. */
export async function judgePayment(
  request: ComputeCase,
  {
    algorithm,
    found,
    sections,
  }: { algorithm: AlgorithmCase | null; found: readonly (DatasetCase | null)[]; sections: PaymentSections },
  mode: EvaluationMode,
  deps: { operator: OperatorService | null; now: () => number },
): Promise<Payment> {
  const { operator } = deps
  if (!operator) return { payers: null, terms: null }
  const { consumerAddress, environment } = request
  const places = found.flatMap((one) => (one ? [one.target.asset.chain] : []))
  if (algorithm?.kind === 'published') places.push(algorithm.target.asset.chain)
  const run = { environment, wantsAsset: wantsDerivedAsset(request.output) }
  const loadTerms = async (): Promise<Payment['terms']> =>
    places.length > 0 ? judgeEnvironment(run, [...new Set(places)], operator, sections.environment) : null
  if (mode.orders === null) return { payers: null, terms: await loadTerms() }
  const context = { consumerAddress, environment, timeoutMs: mode.orderTimeoutMs, now: deps.now() }

  const judged = (transferTxId: string | null | undefined): boolean =>
    mode.orders === 'required' || (mode.orders === 'optional' && Boolean(transferTxId))
  const why = mode.orders === 'hidden' ? HIDDEN : NOT_ORDERED
  const orders = found.map(async (one, index) => {
    const section = sectionOf(sections.datasets, index)
    if (one && judged(one.transferTxId)) return judgeOrder(one, 'dataset-order', 'order_invalid', section, context)
    if (one) section.skip('dataset-order', why)
    return null
  })
  if (algorithm?.kind === 'published') {
    const item = { ...algorithm, transferTxId: request.algorithm.transferTxId }
    if (judged(item.transferTxId)) {
      orders.push(judgeOrder(item, 'algorithm-order', 'in_use_or_not_on_chain', sections.run, context))
    } else sections.run.skip('algorithm-order', why)
  }
  const judgedOrders = await Promise.all(orders)
  if (mode.stopsAtDeny && judgedOrders.includes(null)) return { payers: null, terms: null }

  const terms = await loadTerms()
  const readable = judgedOrders.map((one, index) => {
    if (!one) return null
    const reader = terms?.get(one.target.asset.chain)?.consumerAddress
    const section = sections.datasets[index]
    if (section) return judgeReader(one, reader, 'dataset-order', 'order_invalid', section)
    return judgeReader(one, reader, 'algorithm-order', 'in_use_or_not_on_chain', sections.run)
  })
  const ordered = readable.filter((one) => one !== null)
  if (terms && ordered.length > 0) return { payers: judgeFees(ordered, terms, sections.order), terms }
  if (ordered.length === 0) sections.order.skip('fees-paid', why)
  return { payers: null, terms }
}

/** @throws RangeError for a dataset that is not there */
export function sectionOf(sections: readonly DocketSection[], index: number): DocketSection {
  const section = sections[index]
  if (!section) throw new RangeError(`there is no dataset ${index}`)
  return section
}
