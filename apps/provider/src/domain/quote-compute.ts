import { type ComputeAlgorithm, type ComputeDataset, type Quote } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { buildQuote } from './build-quote.ts'
import { checkDataset } from './check-dataset.ts'
import { loadOrder } from './load-order.ts'
import { planQuotes } from './plan-quotes.ts'
import { prepareAlgorithm } from './prepare-algorithm.ts'
import { accepted, computeRefused } from './refusal.ts'
import type { AssetService } from './resolve-asset.ts'
import { loadRunTerms } from './run-terms.ts'
import type { ComputeDeps } from './start-compute.ts'
import type { ValidOrder } from './validate-order.ts'

/** What a consumer wants to run, before it is ordered. */
export interface ComputeQuestion {
  consumerAddress: string
  environment: string
  /** Epoch seconds. */
  validUntil: number
  datasets: readonly ComputeDataset[]
  algorithm: ComputeAlgorithm
}

/**
 * What to order and pay, item by item (provider-http-api §1.7, initializeCompute).
 * @throws AppError in the reference's words when anything would be refused at the start anyway
 */
export async function quoteCompute(
  question: ComputeQuestion,
  deps: Omit<ComputeDeps, 'operator' | 'metadataUri'> & {
    operator: ComputeDeps['operator'] | null
    chains: Iterable<AssetService['asset']['chain']>
  },
): Promise<{ datasets: Quote[]; algorithm?: Quote }> {
  const { consumerAddress, environment, validUntil } = question
  const now = deps.now()
  if (validUntil <= now) throw new AppError('InvalidRequest', { detail: 'The validUntil value is not correct.' })
  await assertEnvironment()

  const prepared = await prepareAlgorithm(question.algorithm, consumerAddress, deps)
  if ('refusal' in prepared && prepared.refusal.code === 'not_algo') {
    throw new AppError('InvalidRequest', { detail: 'DID is not a valid algorithm' })
  }
  const algorithm = accepted(prepared)
  const checked = await Promise.all(
    question.datasets.map((dataset, index) =>
      checkDataset({ dataset, index, needsOrder: false, algorithm, consumerAddress }, deps),
    ),
  )
  const targets = checked.map((result) => accepted(result))
  const main = targets[0]
  if (!main) throw computeRefused({ resource: 'dataset.documentId', code: 'missing' })

  const items = targets.map((target, index) => ({ target, transferTxId: question.datasets[index]?.transferTxId }))
  if (algorithm.kind === 'published') {
    items.push({ target: algorithm.target, transferTxId: question.algorithm.transferTxId })
  }
  const terms = await loadRunTerms(environment, main.asset.chain, deps.operator)
  const existing = await Promise.all(items.map(({ target, transferTxId }) => reusableOrder(target, transferTxId)))
  const quotes = planQuotes(existing, terms, validUntil, now).map(({ validOrder, feeWei }, index): Quote => {
    const target = items[index]?.target ?? main
    return {
      ...(feeWei === null ? {} : buildQuote(target, { environment, amountWei: feeWei, validUntil, now })),
      ...(validOrder === null ? {} : { validOrder }),
    }
  })
  const algorithmQuote = algorithm.kind === 'published' ? quotes.at(-1) : undefined
  return {
    datasets: quotes.slice(0, targets.length),
    ...(algorithmQuote ? { algorithm: algorithmQuote } : {}),
  }

  async function assertEnvironment(): Promise<void> {
    for (const chain of deps.chains) {
      const known = (await deps.operator?.environments(chain.chainId)) ?? []
      if (known.some(({ id }) => id === environment)) return
    }
    throw new AppError('EnvironmentNotFound', { detail: 'Compute environment does not exist' })
  }

  async function reusableOrder(
    target: AssetService,
    transferTxId: string | null | undefined,
  ): Promise<ValidOrder | null> {
    if (!transferTxId) return null
    const order = await loadOrder(target, {
      transferTxId,
      sender: consumerAddress,
      environment,
      allowsExpiredFee: true,
      timeoutMs: 0,
      now,
    })
    return order.isValid ? order : null
  }
}
