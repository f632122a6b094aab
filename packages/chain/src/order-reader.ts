import { createBoundedMap } from './bounded-map.ts'
import type { ChainRpc } from './chain-rpc.ts'
import type { LatestBlock } from './latest-block.ts'
import { buildOrderReceipt, type OrderReceipt } from './order-receipt.ts'

/** Reads what a transaction says about orders of one datatoken; null where it is not mined. */
export type OrderReader = (transactionHash: string, datatoken: string) => Promise<OrderReceipt | null>

const MAX_RECEIPTS = 5_000

/**
 * A reader that remembers receipts once they are buried so deep that no reorganisation takes them away; before, it
 * asks every time, so an order that the chain took back is gone at once.
 * @param options.confirmations how many blocks must have come after a receipt's own
 */
export function createOrderReader(
  options: { confirmations: number },
  deps: { rpc: ChainRpc; latestBlock: LatestBlock },
): OrderReader {
  const buried = createBoundedMap<string, OrderReceipt>(MAX_RECEIPTS)
  return async (transactionHash, datatoken) => {
    const key = `${transactionHash} ${datatoken}`.toLowerCase()
    const known = buried.get(key)
    if (known) return known
    const mined = await deps.rpc.read(async (provider) => {
      const receipt = await provider.getTransactionReceipt(transactionHash)
      if (!receipt) return null
      const block = await provider.getBlock(receipt.blockHash)
      return block && { order: buildOrderReceipt(receipt, block.timestamp, datatoken), blockNumber: block.number }
    })
    if (!mined) return null
    const remember = (newest: number): void => {
      if (newest - mined.blockNumber >= options.confirmations) buried.set(key, mined.order)
    }
    // Nobody waits for the memory, and it may fail: then the chain is asked again.
    deps.latestBlock().then(
      ({ number }) => remember(number),
      () => undefined,
    )
    return mined.order
  }
}
