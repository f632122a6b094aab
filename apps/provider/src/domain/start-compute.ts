import { computeDatasetSchema, type ComputeAlgorithm, type ComputeDataset } from '@c2d/contracts'
import type { OperatorService, Relayed } from '../clients/operator-service.ts'
import type { TrustLists } from './algorithm-policy.ts'
import { buildWorkflow, type WorkflowInput } from './build-workflow.ts'
import { checkDataset, datasetResource } from './check-dataset.ts'
import type { CheckFiles } from './check-files.ts'
import { loadOrder } from './load-order.ts'
import { paysForRun } from './plan-quotes.ts'
import { checkContainer, prepareAlgorithm, type PreparedAlgorithm } from './prepare-algorithm.ts'
import { accepted, computeRefused, refuse, type Refused } from './refusal.ts'
import type { AssetService, ResolveAsset } from './resolve-asset.ts'
import { loadRunTerms } from './run-terms.ts'
import type { ValidOrder } from './validate-order.ts'

/** A compute request whose signature has been checked and whose nonce is spent. */
export interface ComputeStart {
  consumerAddress: string
  environment: string
  dataset: ComputeDataset
  additionalDatasets: unknown
  algorithm: ComputeAlgorithm
  output: unknown
}

/** What starting a job needs; quoting one needs the same. */
export interface ComputeDeps {
  resolveAsset: ResolveAsset
  checkFiles: CheckFiles
  operator: OperatorService
  trustLists: TrustLists
  /** Milliseconds to wait for an order that is not on chain yet. */
  orderTimeoutMs: number
  metadataUri: string | null
  /** Epoch seconds. */
  now: () => number
}

/** A service of this request and the order that pays for it. */
interface OrderedService {
  target: AssetService
  transferTxId: string
  order: ValidOrder
}

/**
 * Checks everything of a compute request in the order of provider-http-api §8.3, and hands the workflow to the operator.
 * @throws AppError `ComputeRefused` naming the part and the code; `EnvironmentNotFound`
 */
export async function startCompute(request: ComputeStart, deps: ComputeDeps): Promise<Relayed> {
  const datasets = [request.dataset, ...parseAdditionalDatasets(request.additionalDatasets)]
  const algorithm = accepted(await prepareAlgorithm(request.algorithm, request.consumerAddress, deps))
  const checked = await Promise.all(
    datasets.map((dataset, index) => orderedDataset(dataset, index, algorithm, request, deps)),
  )
  const inputs = checked.map((result) => accepted(result))
  const algorithmOrder = await orderedAlgorithm(algorithm, request, deps)
  const container = accepted(checkContainer(algorithm.container))
  const ordered = [...inputs.map((input) => input.ordered), ...(algorithmOrder ? [algorithmOrder] : [])]
  const payers = await findPayers(ordered, request.environment, deps)
  // The last payer names the agreement, as in the reference (§5.5); the run lasts as long as any of them pays for.
  const payer = payers.at(-1)
  if (!payer) throw computeRefused({ resource: 'order', code: 'fees_not_paid' })
  assertOutput(request.output)

  return deps.operator.start({
    workflow: buildWorkflow({
      inputs,
      algorithm,
      container,
      request: request.algorithm,
      metadataUri: deps.metadataUri,
    }),
    agreementId: payer.transferTxId,
    owner: request.consumerAddress,
    environment: request.environment,
    validUntil: Math.max(...payers.map(({ order }) => order.validUntil)),
    chainId: payer.target.asset.chain.chainId,
  })
}

/**
 * Additional datasets as sent; falsy is none (§1.7).
 * @throws AppError `ComputeRefused` (`additional_input: invalid`)
 */
function parseAdditionalDatasets(value: unknown): ComputeDataset[] {
  if (!value) return []
  const parsed = computeDatasetSchema.array().safeParse(value)
  if (!parsed.success) throw computeRefused({ resource: 'additional_input', code: 'invalid' })
  return parsed.data
}

async function orderedDataset(
  dataset: ComputeDataset,
  index: number,
  algorithm: PreparedAlgorithm,
  request: ComputeStart,
  deps: ComputeDeps,
): Promise<(WorkflowInput & { ordered: OrderedService }) | Refused> {
  const { consumerAddress } = request
  const target = await checkDataset({ dataset, index, needsOrder: true, algorithm, consumerAddress }, deps)
  if ('refusal' in target) return target
  const ordered = await findOrder(target, dataset.transferTxId, request, deps)
  return ordered ? { target, dataset, ordered } : refuse(`${datasetResource(index)}.serviceId`, 'order_invalid')
}

/** Rows 4a–4c of §8.3: a published algorithm needs an order like every dataset, raw code must be there. */
async function orderedAlgorithm(
  algorithm: PreparedAlgorithm,
  request: ComputeStart,
  deps: ComputeDeps,
): Promise<OrderedService | null> {
  if (algorithm.kind === 'raw') {
    if (algorithm.meta.url || algorithm.meta.rawcode) return null
    throw computeRefused({ resource: 'algorithm', code: 'meta_oneof_url_rawcode_remote' })
  }
  const ordered = await findOrder(algorithm.target, request.algorithm.transferTxId, request, deps)
  if (!ordered) throw computeRefused({ resource: 'algorithm', code: 'in_use_or_not_on_chain' })
  return ordered
}

async function findOrder(
  target: AssetService,
  transferTxId: string | null | undefined,
  request: ComputeStart,
  deps: ComputeDeps,
): Promise<OrderedService | null> {
  if (!transferTxId) return null
  const order = await loadOrder(target, {
    transferTxId,
    sender: request.consumerAddress,
    environment: request.environment,
    allowsExpiredFee: false,
    timeoutMs: deps.orderTimeoutMs,
    now: deps.now(),
  })
  return order.isValid ? { target, order, transferTxId: transferTxId.toLowerCase() } : null
}

/** Those whose own fee pays for the run, in their order. */
async function findPayers(
  ordered: readonly OrderedService[],
  environment: string,
  deps: ComputeDeps,
): Promise<OrderedService[]> {
  const chains = [...new Set(ordered.map(({ target }) => target.asset.chain))]
  const loaded = await Promise.all(
    chains.map(async (chain) => [chain, await loadRunTerms(environment, chain, deps.operator)] as const),
  )
  const termsByChain = new Map(loaded)
  return ordered.filter(({ target, order }) => {
    const terms = termsByChain.get(target.asset.chain)
    return terms !== undefined && paysForRun(order, terms)
  })
}

function assertOutput(output: unknown): void {
  if (typeof output !== 'string' || output === '') return
  try {
    JSON.parse(output)
  } catch {
    throw computeRefused({ resource: 'output', code: 'invalid' })
  }
}
