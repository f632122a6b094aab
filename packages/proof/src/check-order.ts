import { computeDid, type ChainClient, type OrderReceipt } from '@c2d/chain'
import { ASSET_STATE, isSameAddress, type ProofOrder, type ProofPredicate } from '@c2d/contracts'

/** What the chain says of an order that a proof names. */
export interface OrderCheck {
  order: ProofOrder
  passed: boolean
  /** One sentence each: what was found, or the first thing that is not as the proof says. */
  findings: string[]
  /** Where the order, or its reuse, was mined; null where there is none. */
  blockNumber: number | null
  /**
   * Whether the order itself was made for the environment's address. Otherwise only the quote of its fee names the
   * environment, by an id that another one may have too.
   */
  isForEnvironment: boolean
}

/** By or for whom an order must be, and where the run was. */
export interface OrderParties {
  environment: ProofPredicate['environment']
  consumer: string
}

type Chain = Pick<ChainClient, 'chainId' | 'isDatatokenOf' | 'loadOrder' | 'assetStateAt'>

const RECEIPT_WAIT_MS = 1_000
const STATE_NAMES = new Map<number, string>(Object.entries(ASSET_STATE).map(([name, state]) => [state, name]))

/**
 * Reads one order of a proof on chain: that the datatoken is the asset's, that it emitted an order of this service for this
 * environment (by its address, or by the quote of a fee of an order that is the consumer's; a reuse is followed to its origin),
 * what was paid, and what state the asset was in at that block.
 * @throws AppError UpstreamUnavailable where the chain cannot be read
 */
export async function checkOrder(order: ProofOrder, parties: OrderParties, chain: Chain): Promise<OrderCheck> {
  const { environment, consumer } = parties
  const fails = (finding: string): OrderCheck => {
    return { order, passed: false, findings: [finding], blockNumber: null, isForEnvironment: false }
  }
  if (computeDid(order.nft, chain.chainId) !== order.did) {
    return fails(`the NFT ${order.nft} on chain ${chain.chainId} is not the asset ${order.did}`)
  }
  if (!(await chain.isDatatokenOf(order.nft, order.datatoken))) {
    return fails(`the datatoken ${order.datatoken} does not belong to the asset`)
  }
  const receipt = await chain.loadOrder(order.txId, order.datatoken, { timeoutMs: RECEIPT_WAIT_MS })
  if (!receipt?.succeeded) return fails(`there is no successful transaction ${order.txId}`)
  const [reuse] = receipt.reuses
  const origin = reuse ? await chain.loadOrder(reuse.orderTxId, order.datatoken, { timeoutMs: RECEIPT_WAIT_MS }) : null

  const receipts = [receipt, ...(origin?.succeeded === true ? [origin] : [])]
  const isForEnvironment = receipts.some((one) => isFor(environment.address, one, order))
  const isConsumers = receipts.some((one) => isFor(consumer, one, order) || isBy(consumer, one, order))
  if (!isForEnvironment && !isConsumers) {
    return fails(`${order.txId} orders nothing of service ${order.serviceIndex} for this environment or consumer`)
  }
  if (!isForEnvironment && !isQuotedFor(environment.id, receipt, order)) {
    return fails(`${order.txId} is the consumer's order, and neither made nor quoted for this environment`)
  }

  const state = await chain.assetStateAt(order.nft, receipt.blockNumber)
  const when = new Date(receipt.blockTimestamp * 1000).toISOString()
  return {
    order,
    passed: true,
    blockNumber: receipt.blockNumber,
    isForEnvironment,
    findings: [
      `${origin ? 'reused' : 'ordered'} at block ${receipt.blockNumber}, ${when}`,
      ...receipt.fees.map(({ amountWei, providerFeeToken, providerFeeAddress }) =>
        amountWei === 0n
          ? 'no provider fee'
          : `provider fee ${amountWei} base units of ${providerFeeToken}, to ${providerFeeAddress}`,
      ),
      state === null ? 'no metadata was published by then' : `the asset was ${STATE_NAMES.get(state) ?? state} then`,
    ],
  }
}

/** Whether an order of this service was made for an address. */
function isFor(address: string, { orders }: OrderReceipt, { serviceIndex }: ProofOrder): boolean {
  return orders.some((order) => order.serviceIndex === serviceIndex && isSameAddress(order.consumer, address))
}

/** Whether somebody made an order of this service, or paid for it. */
function isBy(address: string, { orders, from }: OrderReceipt, { serviceIndex }: ProofOrder): boolean {
  // Orders in a bundle name the contract that bundles them as payer: then it is whoever sent the transaction.
  return orders.some(
    (order) =>
      order.serviceIndex === serviceIndex && [order.payer, from].some((party) => isSameAddress(party, address)),
  )
}

/** Whether a provider quoted the fee of this very service for an environment of this id. */
function isQuotedFor(environmentId: string, { fees }: OrderReceipt, { datatoken, serviceId }: ProofOrder): boolean {
  return fees.some(
    ({ providerData }) =>
      providerData?.environment === environmentId &&
      isSameAddress(providerData.dt, datatoken) &&
      providerData.id.toLowerCase() === serviceId.toLowerCase(),
  )
}
