import { isSameAddress, providerDataSchema, type ProviderData } from '@c2d/contracts'
import { getBytes } from 'ethers'
import { datatokenInterface } from './abi.ts'
import { parseLog, type RawLog } from './parse-log.ts'

/** One `OrderStarted` of the datatoken. */
export interface OrderEvent {
  consumer: string
  payer: string
  /** Base units of the datatoken; an order moves 1e18. */
  amountWei: bigint
  serviceIndex: number
  /** Epoch seconds. */
  timestamp: number
  logIndex: number
}

/** One `OrderReused` of the datatoken. Nothing on chain says that the order it names exists. */
export interface ReuseEvent {
  /** Lower-case hash of the transaction that is said to be the order. */
  orderTxId: string
  caller: string
  /** Epoch seconds. */
  timestamp: number
}

/** One `ProviderFee` of the datatoken. */
export interface FeeEvent {
  providerFeeAddress: string
  providerFeeToken: string
  /** Base units of the fee token. */
  amountWei: bigint
  /** The parsed content of `rawProviderData`; null when it is not the expected JSON. */
  providerData: ProviderData | null
  /** As emitted, 0x and hex. */
  rawProviderData: string
  v: number
  r: string
  s: string
  /** Epoch seconds; 0 is no limit. */
  validUntil: number
}

/** What one transaction says about orders of one datatoken. */
export interface OrderReceipt {
  /** Lower case. */
  transactionHash: string
  succeeded: boolean
  from: string
  /** Null where the transaction created a contract. */
  to: string | null
  blockNumber: number
  /** Epoch seconds. */
  blockTimestamp: number
  orders: OrderEvent[]
  reuses: ReuseEvent[]
  fees: FeeEvent[]
}

/** The transaction around the logs, as an adapter of any chain library can name it. */
export interface MinedTransaction {
  readonly hash: string
  readonly status: number | null
  readonly from: string
  readonly to: string | null
  readonly blockNumber: number
  readonly logs: readonly RawLog[]
}

/**
 * Reads a receipt. Only logs that the datatoken itself emitted count: anybody can emit look-alikes from another
 * contract in the same transaction (DESIGN §4.3).
 */
export function buildOrderReceipt(
  transaction: MinedTransaction,
  blockTimestamp: number,
  datatokenAddress: string,
): OrderReceipt {
  const receipt: OrderReceipt = {
    transactionHash: transaction.hash.toLowerCase(),
    succeeded: transaction.status === 1,
    from: transaction.from,
    to: transaction.to,
    blockNumber: transaction.blockNumber,
    blockTimestamp,
    orders: [],
    reuses: [],
    fees: [],
  }
  for (const log of transaction.logs) {
    if (!isSameAddress(log.address, datatokenAddress)) continue
    const event = parseLog(datatokenInterface, log)
    if (event?.name === 'OrderStarted') receipt.orders.push(buildOrder(event.args, log.index))
    if (event?.name === 'OrderReused') receipt.reuses.push(buildReuse(event.args))
    if (event?.name === 'ProviderFee') receipt.fees.push(buildFee(event.args))
  }
  return receipt
}

// Arguments come checked by the ABI. A uint256 too large for a number loses digits, and then equals no index or time.
type EventArguments = Readonly<Record<string, unknown>>

function buildOrder(args: EventArguments, logIndex: number): OrderEvent {
  return {
    consumer: String(args.consumer),
    payer: String(args.payer),
    amountWei: BigInt(String(args.amount)),
    serviceIndex: Number(args.serviceIndex),
    timestamp: Number(args.timestamp),
    logIndex,
  }
}

function buildReuse(args: EventArguments): ReuseEvent {
  return {
    orderTxId: String(args.orderTxId).toLowerCase(),
    caller: String(args.caller),
    timestamp: Number(args.timestamp),
  }
}

function buildFee(args: EventArguments): FeeEvent {
  const rawProviderData = String(args.providerData)
  return {
    providerFeeAddress: String(args.providerFeeAddress),
    providerFeeToken: String(args.providerFeeToken),
    amountWei: BigInt(String(args.providerFeeAmount)),
    providerData: parseProviderData(rawProviderData),
    rawProviderData,
    v: Number(args.v),
    r: String(args.r),
    s: String(args.s),
    validUntil: Number(args.validUntil),
  }
}

function parseProviderData(hex: string): ProviderData | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(getBytes(hex))
    return providerDataSchema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null // anybody may put any bytes there: no JSON means it is no fee of ours
  }
}
