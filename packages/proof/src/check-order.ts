import { computeDid, type ChainClient, type OrderReceipt } from '@c2d/chain'
import { ASSET_STATE, isSameAddress, type ProofOrder } from '@c2d/contracts'

/** What the chain says of an order that a proof names. */
export interface OrderCheck {
  order: ProofOrder
  passed: boolean
  /** One sentence each: what was found, or the first thing that is not as the proof says. */
  findings: string[]
  /** Where the order, or its reuse, was mined; null where there is none. */
  blockNumber: number | null
}

type Chain = Pick<ChainClient, 'chainId' | 'isDatatokenOf' | 'loadOrder' | 'assetStateAt'>

const RECEIPT_WAIT_MS = 1_000
const STATE_NAMES = new Map<number, string>(Object.entries(ASSET_STATE).map(([name, state]) => [state, name]))

/**
 * Reads one order of a proof on chain: that the datatoken is the asset's, that it emitted an order of this service by or
 * for this consumer (a reuse is followed to its origin), what was paid, and what state the asset was in at that block.
 * @param parties the addresses by or for whom it must be: the environment's and the consumer's
 * @throws AppError UpstreamUnavailable where the chain cannot be read
 */
export async function checkOrder(order: ProofOrder, parties: readonly string[], chain: Chain): Promise<OrderCheck> {
  const fails = (finding: string): OrderCheck => ({ order, passed: false, findings: [finding], blockNumber: null })
  if (computeDid(order.nft, chain.chainId) !== order.did) {
    return fails(`the NFT ${order.nft} on chain ${chain.chainId} is not the asset ${order.did}`)
  }
  if (!(await chain.isDatatokenOf(order.nft, order.datatoken))) {
    return fails(`the datatoken ${order.datatoken} does not belong to the asset`)
  }
  const receipt = await chain.loadOrder(order.txId, order.datatoken, { timeoutMs: RECEIPT_WAIT_MS })
  if (!receipt?.succeeded) return fails(`there is no successful transaction ${order.txId}`)

  const isOfThisRun = ({ orders }: OrderReceipt): boolean =>
    orders.some(
      ({ consumer, payer, serviceIndex }) =>
        serviceIndex === order.serviceIndex &&
        parties.some((party) => isSameAddress(consumer, party) || isSameAddress(payer, party)),
    )
  const [reuse] = receipt.reuses
  const origin = reuse ? await chain.loadOrder(reuse.orderTxId, order.datatoken, { timeoutMs: RECEIPT_WAIT_MS }) : null
  const isPaid = isOfThisRun(receipt) || (origin?.succeeded === true && isOfThisRun(origin))
  if (!isPaid)
    return fails(`${order.txId} orders nothing of service ${order.serviceIndex} for this environment or consumer`)

  const state = await chain.assetStateAt(order.nft, receipt.blockNumber)
  const when = new Date(receipt.blockTimestamp * 1000).toISOString()
  return {
    order,
    passed: true,
    blockNumber: receipt.blockNumber,
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
