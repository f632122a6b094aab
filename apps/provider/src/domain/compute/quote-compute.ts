import { isSameAddress, type ComputeAlgorithm, type ComputeDataset, type Quote } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { buildQuote } from '../orders/build-quote.ts'
import { evaluateCompute } from './evaluate-compute.ts'
import { wantsDerivedAsset } from './judge-derived-asset.ts'
import { loadOrder } from '../orders/load-order.ts'
import { planQuotes } from '../orders/plan-quotes.ts'
import type { AssetService } from '../assets/resolve-asset.ts'
import { loadRunTerms } from './run-terms.ts'
import type { ServiceHost } from '../assets/service-host.ts'
import type { ComputeDeps } from './start-compute.ts'
import type { ValidOrder } from '../orders/validate-order.ts'

/** What a consumer wants to run, before it is ordered. */
export interface ComputeQuestion {
  consumerAddress: string
  environment: string
  /** Epoch seconds. */
  validUntil: number
  datasets: readonly ComputeDataset[]
  algorithm: ComputeAlgorithm
  /** As a start would send it; an asset that it asks for may have a price. */
  output: unknown
}

/** One service to be ordered. */
interface QuotedItem {
  target: AssetService
  host: ServiceHost
  transferTxId: string | null | undefined
}

/**
 * What to order and pay, item by item (provider-http-api §1.7, initializeCompute). What lies at another provider is
 * quoted there, without an environment; the run itself is always paid to us.
 * @throws AppError in the reference's words when anything would be refused at the start anyway
 */
export async function quoteCompute(
  question: ComputeQuestion,
  deps: Omit<ComputeDeps, 'operator' | 'metadataUri' | 'orderTimeoutMs'> & {
    operator: ComputeDeps['operator'] | null
    chains: Iterable<AssetService['asset']['chain']>
  },
): Promise<{ datasets: Quote[]; algorithm?: Quote }> {
  const { consumerAddress, environment, validUntil } = question
  const now = deps.now()
  if (validUntil <= now) throw new AppError('InvalidRequest', { detail: 'The validUntil value is not correct.' })
  await assertEnvironment()

  const items = await acceptedItems()
  const main = items[0]
  const wantsAsset = wantsDerivedAsset(question.output)
  const terms = await loadRunTerms(environment, main.target.asset.chain, deps.operator, wantsAsset)
  const own = items.filter(({ host }) => host.kind === 'us')
  const existing = await Promise.all(own.map(reusableOrder))
  const plan = planQuotes(existing, terms, validUntil, now)
  const quotes = await Promise.all(
    items.map(async (item): Promise<Quote> => {
      if (item.host.kind === 'peer') return quoteAtPeer(item, item.host)
      const { validOrder = null, feeWei = null } = plan[own.indexOf(item)] ?? {}
      return {
        ...(feeWei === null ? {} : buildQuote(item.target, { environment, amountWei: feeWei, validUntil, now })),
        ...(validOrder === null ? {} : { validOrder }),
      }
    }),
  )
  const algorithmQuote = quotes[question.datasets.length]
  return {
    datasets: quotes.slice(0, question.datasets.length),
    ...(algorithmQuote ? { algorithm: algorithmQuote } : {}),
  }

  async function assertEnvironment(): Promise<void> {
    for (const chain of deps.chains) {
      const known = (await deps.operator?.environments(chain.chainId)) ?? []
      if (known.some(({ id }) => id === environment)) return
    }
    throw new AppError('EnvironmentNotFound', { detail: 'Compute environment does not exist' })
  }

  /** Datasets first, then a published algorithm. */
  async function acceptedItems(): Promise<[QuotedItem, ...QuotedItem[]]> {
    const [dataset = {}, ...additionalDatasets] = question.datasets
    const { datasets, algorithm } = await evaluateCompute(
      { ...question, dataset, additionalDatasets },
      { orders: null, orderTimeoutMs: 0, stopsAtDeny: true },
      deps,
    ).catch((thrown: unknown) => {
      throw isNoAlgorithm(thrown) ? new AppError('InvalidRequest', { detail: 'DID is not a valid algorithm' }) : thrown
    })
    const [first, ...rest] = datasets.flatMap(({ found }): QuotedItem[] => (found ? [found] : []))
    if (!first) throw new AppError('Internal', { cause: new Error('a quote was neither refused nor accepted') })
    if (algorithm?.kind !== 'published') return [first, ...rest]
    return [first, ...rest, { ...algorithm, transferTxId: question.algorithm.transferTxId }]
  }

  async function quoteAtPeer(
    { target: { asset, service }, transferTxId }: QuotedItem,
    { peer }: Extract<ServiceHost, { kind: 'peer' }>,
  ): Promise<Quote> {
    return peer.quote({
      chainId: asset.chain.chainId,
      documentId: asset.ddo.id,
      serviceId: service.id,
      consumerAddress,
      transferTxId: transferTxId ?? undefined,
    })
  }

  async function reusableOrder({ target, transferTxId }: QuotedItem): Promise<ValidOrder | null> {
    if (!transferTxId) return null
    const order = await loadOrder(target, {
      transferTxId,
      sender: consumerAddress,
      environment,
      allowsExpiredFee: true,
      timeoutMs: 0,
      now,
    })
    // What was ordered for somebody else the environment could not fetch: a start would refuse it.
    return order.isValid && isSameAddress(order.consumer, terms.consumerAddress) ? order : null
  }
}

/** Quotes say it in a sentence where starts have a code (provider-http-api §1.7). */
function isNoAlgorithm(thrown: unknown): boolean {
  if (!(thrown instanceof AppError) || typeof thrown.legacy !== 'object') return false
  return thrown.legacy['algorithm'] === 'not_algo'
}
