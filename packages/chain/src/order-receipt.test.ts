import { describe, expect, it } from '@jest/globals'
import { toUtf8Bytes } from 'ethers'
import { datatokenInterface } from './abi.ts'
import { buildOrderReceipt, type MinedTransaction } from './order-receipt.ts'
import type { RawLog } from './parse-log.ts'

const DATATOKEN = '0xA74847bf9cebD3696031dC8f0033CF9A009E66Bc'
const FORGER = '0x1D5CEbD46Eb0a12013DbE1A66733AD39d410F061'
const CONSUMER = '0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e'
const PAYER = '0xe2DD09d719Da89e5a3D0F2549c7E24566e947260'
const NOBODY = `0x${'00'.repeat(20)}`
const WORD = `0x${'12'.repeat(32)}`
const DATA = { environment: null, timestamp: 1700000000.5, dt: DATATOKEN, id: 's1' }

function buildLog(event: string, values: unknown[], change: Partial<RawLog> = {}): RawLog {
  return { address: DATATOKEN, index: 0, ...datatokenInterface.encodeEventLog(event, values), ...change }
}
const orderLog = (change: Partial<RawLog> = {}, serviceIndex: bigint = 2n) =>
  buildLog('OrderStarted', [CONSUMER, PAYER, 10n ** 18n, serviceIndex, 1700000001n, NOBODY, 9n], change)
const reuseLog = () => buildLog('OrderReused', [`0x${'AB'.repeat(32)}`, CONSUMER, 1700000002n, 9n])
const feeLog = (providerData: Uint8Array, change: Partial<RawLog> = {}) =>
  buildLog('ProviderFee', [PAYER, FORGER, 5n, providerData, 27, WORD, WORD, 1700000300n], change)

const buildTransaction = (logs: RawLog[], change: Partial<MinedTransaction> = {}): MinedTransaction => ({
  hash: `0x${'CD'.repeat(32)}`,
  status: 1,
  from: CONSUMER,
  to: DATATOKEN,
  blockNumber: 7,
  logs,
  ...change,
})
const read = (...logs: RawLog[]) => buildOrderReceipt(buildTransaction(logs), 1700000001, DATATOKEN.toLowerCase())

describe('order receipts', () => {
  it('behaviour: an order, its fee and its transaction are read', () => {
    const receipt = read(orderLog({ index: 4 }), feeLog(toUtf8Bytes(JSON.stringify(DATA))))
    expect(receipt).toEqual({
      transactionHash: `0x${'cd'.repeat(32)}`,
      succeeded: true,
      from: CONSUMER,
      to: DATATOKEN,
      blockNumber: 7,
      blockTimestamp: 1700000001,
      orders: [
        {
          consumer: CONSUMER,
          payer: PAYER,
          amountWei: 10n ** 18n,
          serviceIndex: 2,
          timestamp: 1700000001,
          logIndex: 4,
        },
      ],
      reuses: [],
      fees: [
        {
          providerFeeAddress: PAYER,
          providerFeeToken: FORGER,
          amountWei: 5n,
          providerData: DATA,
          rawProviderData: `0x${Buffer.from(JSON.stringify(DATA)).toString('hex')}`,
          v: 27,
          r: WORD,
          s: WORD,
          validUntil: 1700000300,
        },
      ],
    })
  })

  it('behaviour: a reuse names its order in lower case', () => {
    expect(read(reuseLog()).reuses).toEqual([
      { orderTxId: `0x${'ab'.repeat(32)}`, caller: CONSUMER, timestamp: 1700000002 },
    ])
  })

  it('error: what another contract emitted does not count', () => {
    const elsewhere = { address: FORGER }
    const receipt = read(orderLog(elsewhere), feeLog(toUtf8Bytes(JSON.stringify(DATA)), elsewhere))
    expect([receipt.orders, receipt.reuses, receipt.fees]).toEqual([[], [], []])
  })

  it('error: a failed transaction says so', () => {
    const transaction = buildTransaction([], { status: 0 })
    expect(buildOrderReceipt(transaction, 1, DATATOKEN).succeeded).toBe(false)
  })

  it.each([
    ['no JSON', toUtf8Bytes('hello')],
    ['no UTF-8', Uint8Array.of(0xff, 0xfe)],
    ['nothing', new Uint8Array()],
    ['another shape', toUtf8Bytes('{"dt":1}')],
  ])('error: provider data that is %s is null, and its bytes are kept', (_, bytes) => {
    const [fee] = read(feeLog(bytes)).fees
    expect(fee).toMatchObject({
      providerData: null,
      rawProviderData: `0x${Buffer.from(bytes).toString('hex')}`,
    })
  })

  it('error: a service index beyond every array fits no service', () => {
    const [order] = read(orderLog({}, 2n ** 256n - 1n)).orders
    expect(Number.isSafeInteger(order?.serviceIndex)).toBe(false)
  })

  it('error: a log with the right topic and the wrong bytes is skipped', () => {
    expect(read(orderLog({ data: '0x1234' }), orderLog()).orders).toHaveLength(1)
  })
})
