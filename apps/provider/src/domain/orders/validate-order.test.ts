import { buildProviderFee, type FeeEvent, type OrderReceipt } from '@c2d/chain'
import { describe, expect, it } from '@jest/globals'
import { evaluateOrder, type OrderEvidence, type OrderExpectation } from './validate-order.ts'

const PROVIDER_KEY = `0x${'01'.repeat(32)}`
const PROVIDER = '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'
const OTHER_KEY = `0x${'02'.repeat(32)}`
const CONSUMER = `0x${'c0'.repeat(20)}`
const PAYER = `0x${'Aa'.repeat(20)}`
const STRANGER = `0x${'55'.repeat(20)}`
const FACTORY = `0x${'fa'.repeat(20)}`
const DATATOKEN = `0x${'d7'.repeat(20)}`
const TX = `0x${'11'.repeat(32)}`
const ORIGIN_TX = `0x${'22'.repeat(32)}`

/** The moment everything happens at, unless a test says otherwise. */
const NOW = 1_700_000_000

interface FeeChoices {
  environment?: string | null
  dt?: string
  id?: string
  validUntil?: number
  timestamp?: number
  key?: string
  amountWei?: bigint
}

function buildFee(choices: FeeChoices = {}): FeeEvent {
  const providerData = {
    environment: choices.environment === undefined ? 'env' : choices.environment,
    timestamp: choices.timestamp ?? NOW - 5,
    dt: choices.dt ?? DATATOKEN,
    id: choices.id ?? 'service',
  }
  const { amountWei = 7n } = choices
  const terms = { providerData, feeToken: STRANGER, amountWei, validUntil: choices.validUntil ?? NOW + 600 }
  const fee = buildProviderFee(terms, choices.key ?? PROVIDER_KEY)
  return { ...fee, amountWei, providerData, rawProviderData: fee.providerData }
}

function buildReceipt(changes: Partial<OrderReceipt> = {}): OrderReceipt {
  return {
    transactionHash: TX,
    succeeded: true,
    from: PAYER,
    to: DATATOKEN,
    blockNumber: 1,
    blockTimestamp: NOW - 2,
    orders: [buildOrder()],
    reuses: [],
    fees: [buildFee()],
    ...changes,
  }
}

function buildOrder(changes: Partial<OrderReceipt['orders'][number]> = {}): OrderReceipt['orders'][number] {
  return {
    consumer: CONSUMER,
    payer: PAYER,
    amountWei: 10n ** 18n,
    serviceIndex: 1,
    timestamp: NOW - 2,
    logIndex: 0,
    ...changes,
  }
}

function buildEvidence(receipt: Partial<OrderReceipt> = {}, changes: Partial<OrderEvidence> = {}): OrderEvidence {
  const named = buildReceipt(receipt)
  return { isDatatokenOfAsset: true, named, origin: named, ...changes }
}

/** A reuse, at NOW - 2 unless said, of an order made before. */
function buildReuse(origin: OrderReceipt | null, { timestamp = NOW - 2, fee = buildFee() } = {}): OrderEvidence {
  const reuses = [{ orderTxId: ORIGIN_TX, caller: PAYER, timestamp }]
  return buildEvidence({ orders: [], reuses, fees: [fee] }, { origin })
}
const originAt = (timestamp: number): OrderReceipt =>
  buildReceipt({ transactionHash: ORIGIN_TX, orders: [buildOrder({ timestamp })] })
const oldOrigin = (changes: Partial<OrderReceipt> = {}): OrderReceipt => ({ ...originAt(NOW - 299), ...changes })
const FREE = { amountWei: 0n }
const YEARS = { validUntil: NOW + 10 ** 9 }

function expectation(changes: Partial<OrderExpectation> = {}): OrderExpectation {
  return {
    transactionHash: TX,
    sender: CONSUMER,
    datatoken: DATATOKEN.toUpperCase().replace('0X', '0x'),
    serviceId: 'SERVICE',
    serviceIndex: 1,
    serviceTimeoutSeconds: 300,
    environment: 'env',
    providerAddress: PROVIDER,
    factoryAddress: FACTORY,
    allowsExpiredFee: false,
    waitedSeconds: 20,
    ...changes,
  }
}

describe('an order that pays', () => {
  it.each<[string, OrderEvidence, Partial<OrderExpectation>]>([
    ['for its consumer', buildEvidence(), {}],
    ['for its payer', buildEvidence(), { sender: PAYER.toLowerCase() }],
    [
      'for whoever sent a bundle through the factory',
      buildEvidence({ orders: [buildOrder({ payer: FACTORY })] }),
      { sender: PAYER },
    ],
    [
      'in any environment, where none is asked for',
      buildEvidence({ fees: [buildFee({ environment: null })] }),
      { environment: undefined },
    ],
    [
      'for ever, where the service has no timeout',
      buildEvidence({ orders: [buildOrder({ timestamp: 1 })] }),
      { serviceTimeoutSeconds: 0 },
    ],
    ['by a fee without end', buildEvidence({ fees: [buildFee({ validUntil: 0 })] }), {}],
    ['within the grace after the fee ended', buildEvidence({ fees: [buildFee({ validUntil: NOW - 60 })] }), {}],
    [
      'with an expired fee, where that is allowed',
      buildEvidence({ fees: [buildFee({ validUntil: 1 })] }),
      { allowsExpiredFee: true },
    ],
    ['by reuse of an older order', buildReuse(oldOrigin()), {}],
    [
      'among several fees, by the last one that fits',
      buildEvidence({ fees: [buildFee({ environment: 'other' }), buildFee(), buildFee({ id: 'another' })] }),
      {},
    ],
  ])('%s', (_title, evidence, changes) => {
    expect(evaluateOrder(evidence, expectation(changes), NOW)).toMatchObject({ isValid: true, paidWei: 7n })
  })

  it('names the transaction in which it began', () => {
    const order = evaluateOrder(buildReuse(oldOrigin()), expectation(), NOW)
    expect(order).toMatchObject({ originTransactionHash: ORIGIN_TX, consumer: CONSUMER, quotedAt: NOW - 5 })
  })
})

describe('an order that does not pay', () => {
  const tampered = { ...buildFee(), amountWei: 8n }
  it.each<[string, OrderEvidence, Partial<OrderExpectation>, RegExp]>([
    ['a datatoken of another NFT', buildEvidence({}, { isDatatokenOfAsset: false }), {}, /does not belong/],
    [
      'a transaction that is not there',
      buildEvidence({}, { named: null, origin: null }),
      {},
      /is not in the chain, after 20 seconds$/,
    ],
    ['a transaction that failed', buildEvidence({ succeeded: false }), {}, /^order transaction failed\.$/],
    ['no fee at all', buildEvidence({ fees: [] }), {}, /^Cannot find the event for the provider fee/],
    [
      'a fee whose data is not ours',
      buildEvidence({ fees: [{ ...buildFee(), providerData: null }] }),
      {},
      /^Cannot find the event for the provider fee/,
    ],
    [
      'a fee for another datatoken',
      buildEvidence({ fees: [buildFee({ dt: STRANGER })] }),
      {},
      /^Cannot find the event for the provider fee/,
    ],
    [
      'a fee for another service',
      buildEvidence({ fees: [buildFee({ id: 'x' })] }),
      {},
      /^Cannot find the event for the provider fee/,
    ],
    [
      'a fee for another environment',
      buildEvidence({ fees: [buildFee({ environment: 'x' })] }),
      {},
      /^Mismatch between ordered c2d environment/,
    ],
    [
      'a fee for no environment',
      buildEvidence({ fees: [buildFee({ environment: null })] }),
      {},
      /^Mismatch between ordered c2d environment/,
    ],
    [
      'a fee of another provider',
      buildEvidence({ fees: [buildFee({ key: OTHER_KEY })] }),
      {},
      /does not match the provider address/,
    ],
    [
      'a fee that was changed after signing',
      buildEvidence({ fees: [tampered] }),
      {},
      /^Provider was not able to check the signed message/,
    ],
    [
      'a fee that ended',
      buildEvidence({ fees: [buildFee({ validUntil: NOW - 100 })] }),
      {},
      /^Ordered c2d time was exceeded/,
    ],
    [
      'a fee that ended, of an access',
      buildEvidence({ fees: [buildFee({ validUntil: NOW - 100 })] }),
      { environment: undefined },
      /^Ordered c2d time was exceeded/,
    ],
    ['a reuse of an order that is not there', buildReuse(null), {}, /^order referenced in OrderReused failed\.$/],
    [
      'a reuse of an order that failed',
      buildReuse(oldOrigin({ succeeded: false })),
      {},
      /^order referenced in OrderReused failed\.$/,
    ],
    [
      'a reuse of an order of another service',
      buildReuse(oldOrigin({ orders: [buildOrder({ serviceIndex: 0 })] })),
      {},
      /^Cannot find the event for the order/,
    ],
    [
      'an order of another service',
      buildEvidence({ orders: [buildOrder({ serviceIndex: 0 })] }),
      {},
      /^Cannot find the event for the order/,
    ],
    [
      'less than one datatoken',
      buildEvidence({ orders: [buildOrder({ amountWei: 10n ** 18n - 1n })] }),
      {},
      /^The amount in the event is less/,
    ],
    [
      'an order past the service’s timeout',
      buildEvidence({ orders: [buildOrder({ timestamp: NOW - 301 })] }),
      {},
      /^The order has expired\./,
    ],
    [
      'an order of somebody else',
      buildEvidence(),
      { sender: STRANGER },
      /^sender of order transaction is not the consumer\/payer\.$/,
    ],
    [
      'an order the caller only sent, for another payer',
      buildEvidence({ from: STRANGER }),
      { sender: STRANGER },
      /^sender of order transaction/,
    ],
  ])('is %s', (_title, evidence, changes, reason) => {
    const order = evaluateOrder(evidence, expectation(changes), NOW)
    expect(order).toMatchObject({ isValid: false, reason: expect.stringMatching(reason) })
  })
})

describe('an order whose datatoken has run out, 300 seconds after it began', () => {
  const reused = (beganAt: number, reusedAt: number, fee: FeeChoices = {}): OrderEvidence =>
    buildReuse(originAt(beganAt), { timestamp: reusedAt, fee: buildFee(fee) })

  it.each<[string, OrderEvidence]>([
    ['serves while the time lasts that a reuse paid for', reused(NOW - 500, NOW - 250)],
    ['serves as long again as it was bought for', reused(NOW - 500, NOW - 300, YEARS)],
    ['serves at once after a reuse for nothing', reused(NOW - 350, NOW - 60, FREE)],
  ])('%s, if it was still good then', (_title, evidence) => {
    const order = evaluateOrder(evidence, expectation(), NOW)
    expect(order).toMatchObject({ isValid: true, isReusable: false })
  })

  it.each<[string, OrderEvidence, Partial<OrderExpectation>]>([
    ['paid for, but too late', reused(NOW - 400, NOW - 10), {}],
    ['with a fee for years, and is as old again as it was bought for', reused(NOW - 700, NOW - 401, YEARS), {}],
    ['for nothing, too late', reused(NOW - 310, NOW - 2, { ...FREE, validUntil: 0 }), { environment: undefined }],
    ['for nothing, and not used at once', reused(NOW - 450, NOW - 151, { ...FREE, validUntil: NOW + 10 ** 9 }), {}],
    [
      'whose paid time is over, where that is no matter by itself',
      reused(NOW - 400, NOW - 150, { validUntil: NOW - 91 }),
      { allowsExpiredFee: true },
    ],
  ])('error: has been reused %s', (_title, evidence, changes) => {
    const order = evaluateOrder(evidence, expectation(changes), NOW)
    expect(order).toMatchObject({ isValid: false, problem: 'expired' })
  })
})
