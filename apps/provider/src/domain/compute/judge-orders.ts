import { isSameAddress } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { OperatorService } from '../../clients/operator-service.ts'
import { deny, type Denied, type DocketSection } from './docket.ts'

import { loadOrder } from '../orders/load-order.ts'
import { paysForRun } from '../orders/plan-quotes.ts'
import type { ProviderChain } from '../chains/provider-chain.ts'
import type { AssetService } from '../assets/resolve-asset.ts'
import { loadRunTerms, type RunTerms } from './run-terms.ts'
import type { ServiceHost } from '../assets/service-host.ts'
import type { InvalidOrder, OrderProblem, ValidOrder } from '../orders/validate-order.ts'

/** A service and the order that pays for it. */
export interface OrderedService {
  target: AssetService
  host: ServiceHost
  transferTxId: string
  order: ValidOrder
}

/** Whose order is judged, and for what. */
export interface OrderContext {
  consumerAddress: string
  environment: string
  /** Milliseconds to wait for an order that is not on chain yet. */
  timeoutMs: number
  /** Epoch seconds. */
  now: number
}

const ORDER_WORDS: Record<OrderProblem, { sentence: string; change?: string }> = {
  'foreign-datatoken': { sentence: 'The datatoken of the service does not belong to the asset.' },
  'not-on-chain': {
    sentence: 'There is no such transaction on the chain of the asset.',
    change: 'Wait until the order is mined, or send the hash of the one that is.',
  },
  failed: { sentence: 'The transaction, or the order it reuses, failed on chain.' },
  'other-fee': { sentence: 'The transaction pays no fee that was quoted for this service.' },
  'other-environment': {
    sentence: 'The fee was quoted for another environment.',
    change: 'Name the environment that was ordered, or order for this one.',
  },
  'other-provider': { sentence: 'The fee was paid to another provider.' },
  'fee-expired': {
    sentence: 'The time that the fee paid for is over.',
    change: 'Ask initializeCompute with this order: it can be reused for a new fee.',
  },
  'no-order': { sentence: 'The transaction holds no order of this service.' },
  'too-little': { sentence: 'The order moved less than one datatoken.' },
  expired: { sentence: 'The order is older than the service allows.' },
  'not-yours': { sentence: 'The transaction holds no order of this service that was made by or for this consumer.' },
}

/** What may be told even of transactions that are not the caller's. */
const TOLD_TO_ALL: readonly OrderProblem[] = ['foreign-datatoken', 'not-on-chain']

/**
 * Whether an order pays for a service (rows 3l and 4b of provider-http-api §8.3). At another provider it must pay that
 * provider, who quoted it without an environment.
 * @param code the wire code of a refusal
 */
export async function judgeOrder(
  item: { target: AssetService; host: ServiceHost; transferTxId: string | null | undefined },
  rule: 'dataset-order' | 'algorithm-order',
  code: string,
  section: DocketSection,
  context: OrderContext,
): Promise<OrderedService | null> {
  const { target, host, transferTxId } = item
  if (!transferTxId) return section.judge<OrderedService>(rule, deny(code, { sentence: 'No order is named.' }))
  const order = await loadOrder(target, {
    transferTxId,
    sender: context.consumerAddress,
    ...(host.kind === 'peer' ? { providerAddress: host.address } : { environment: context.environment }),
    allowsExpiredFee: false,
    timeoutMs: context.timeoutMs,
    now: context.now,
  })
  if (!order.isValid) return section.judge<OrderedService>(rule, denyOrder(order, code))
  return section.judge(rule, { target, host, order, transferTxId: transferTxId.toLowerCase() })
}

/**
 * What a run costs on each chain; null where there is no such environment.
 * @throws AppError `UpstreamUnavailable` when the operator is away
 */
export async function judgeEnvironment(
  { environment, wantsAsset }: { environment: string; wantsAsset: boolean },
  chains: readonly ProviderChain[],
  operator: OperatorService,
  section: DocketSection,
): Promise<Map<ProviderChain, RunTerms> | null> {
  try {
    const terms = await Promise.all(
      chains.map(async (chain) => [chain, await loadRunTerms(environment, chain, operator, wantsAsset)] as const),
    )
    return section.judge('environment-known', new Map(terms))
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'EnvironmentNotFound') throw thrown
    return section.judge<Map<ProviderChain, RunTerms>>('environment-known', deny(thrown.detail))
  }
}

const ANOTHER_READER = {
  sentence: 'The order was made for another address than the environment’s, which could fetch nothing with it.',
  change: 'Order with the environment’s consumerAddress as the consumer.',
}

/**
 * Whether the environment can fetch what was ordered: it does so in its own name. An order for anybody else would be
 * accepted, and its job would end without its inputs.
 * @param environment the address it fetches with; undefined where none is known
 */
export function judgeReader(
  ordered: OrderedService,
  environment: string | undefined,
  rule: 'dataset-order' | 'algorithm-order',
  code: string,
  section: DocketSection,
): OrderedService | null {
  if (environment === undefined || isSameAddress(ordered.order.consumer, environment)) return ordered
  return section.judge<OrderedService>(rule, deny(code, ANOTHER_READER))
}

/** Where the run is paid for, and the asset that is asked for beside it is not. */
const ASSET_NOT_PAID = {
  sentence: 'The orders pay for the run, and not for the asset that its results are to become.',
  change:
    'Send output with initializeCompute and order, or reuse an order, with the fee it quotes; or leave publishOutput and ' +
    'publishAlgorithmLog out.',
}

/**
 * Row 5: those whose own fee pays us for the run and, where one is asked for, for the asset of its results, in their
 * order; null where nobody does. The last of them names the agreement, which starts one job: so none pays for two.
 */
export function judgeFees(
  ordered: readonly OrderedService[],
  terms: ReadonlyMap<ProviderChain, RunTerms>,
  section: DocketSection,
): OrderedService[] | null {
  const pays = ({ target, host, order }: OrderedService, without: Partial<RunTerms> = {}): boolean => {
    const price = terms.get(target.asset.chain)
    // What was paid to another provider is not paid to us, however much it is.
    return host.kind === 'us' && price !== undefined && paysForRun(order, { ...price, ...without })
  }
  const payers = ordered.filter((one) => pays(one))
  if (payers.length > 0) return section.judge('fees-paid', payers)
  const lacksAsset = ordered.some((one) => pays(one, { assetPrice: 0 }))
  return section.judge<OrderedService[]>('fees-paid', deny('fees_not_paid', lacksAsset ? ASSET_NOT_PAID : {}))
}

function denyOrder(order: InvalidOrder, code: string): Denied {
  const isTold = order.isOwn || TOLD_TO_ALL.includes(order.problem)
  return deny(code, ORDER_WORDS[isTold ? order.problem : 'not-yours'])
}
