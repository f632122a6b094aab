import { toUtf8String } from 'ethers'
import { datatokenInterface } from './abi.ts'
import type { LogReader } from './log-reader.ts'
import { parseLog } from './parse-log.ts'

/** One `OrderExecuted` of a datatoken. */
export interface OrderExecution {
  /** Who sent it, and signed `providerData`. */
  providerAddress: string
  consumerAddress: string
  /** As text; null where it is none. */
  providerData: string | null
  transactionHash: string
  blockNumber: number
  /** Epoch seconds. */
  timestamp: number
}

const TOPICS = [[datatokenInterface.getEvent('OrderExecuted')?.topicHash ?? 'OrderExecuted']]

/** What a datatoken was told of one order, oldest first. @param place.datatoken checksummed */
export async function readExecutions(
  readLogs: LogReader,
  place: { datatoken: string; orderTxId: string; fromBlock: number; toBlock: number },
): Promise<OrderExecution[]> {
  const { datatoken: address, orderTxId, fromBlock, toBlock } = place
  const found: OrderExecution[] = []
  for await (const logs of readLogs({ address, topics: TOPICS, fromBlock, toBlock }, 'oldest first')) {
    for (const log of logs) {
      const event = parseLog(datatokenInterface, log)
      if (event?.name !== 'OrderExecuted') continue
      if (String(event.args.orderTxId).toLowerCase() !== orderTxId.toLowerCase()) continue
      found.push({
        providerAddress: String(event.args.providerAddress),
        consumerAddress: String(event.args.consumerAddress),
        providerData: readText(String(event.args.providerData)),
        transactionHash: log.transactionHash,
        blockNumber: log.blockNumber,
        timestamp: Number(event.args.timestamp),
      })
    }
  }
  return found
}

function readText(hex: string): string | null {
  try {
    return toUtf8String(hex)
  } catch {
    return null // any bytes may stand there
  }
}
