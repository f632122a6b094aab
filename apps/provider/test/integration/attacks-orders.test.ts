import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { buildProviderFee, DATATOKEN_ABI, signMessage } from '@c2d/chain'
import type { ProviderFee, Quote } from '@c2d/contracts'
import { DEV_ACCOUNTS, devWallet } from '@c2d/dev-servers'
import { Interface, Signature } from 'ethers'
import { orderAccess, signedDownload, type OrderedAccess } from './support/access.ts'
import { feeOf, nextNonce, orderRun, query, start, type Answer } from './support/api.ts'
import { emitLogs, type Log } from './support/emit-logs.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

const DAY_SECONDS = 86_400
const datatoken = new Interface(DATATOKEN_ABI)

let stack: Stack
let access: OrderedAccess

beforeAll(async () => {
  stack = await startStack()
  access = await orderAccess(stack, stack.origin.offer('/data.csv', 'a,b\n'))
  await stack.publisher.mint(stack.chain.addresses.Ocean, stack.consumer.address, 10n ** 24n)
})
afterAll(() => stack.close())

const download = (parameters: Record<string, string>): Promise<Answer> =>
  query(stack, 'GET', '/api/services/download', parameters)

describe('orders that nobody paid', () => {
  let asset: PublishedAsset
  let fee: ProviderFee

  beforeAll(async () => {
    asset = await stack.publish({ serviceType: 'access', files: [stack.origin.offer('/unpaid', 'secret')] })
    const { did: documentId, serviceId } = asset
    const parameters = { documentId, serviceId, consumerAddress: stack.consumer.address }
    fee = feeOf((await query(stack, 'GET', '/api/services/initialize', parameters)).json as Quote)
  })

  const now = (): bigint => BigInt(Math.floor(Date.now() / 1000))
  const log = (name: string, values: unknown[]): Log => datatoken.encodeEventLog(name, values)
  const started = (): Log => {
    const { address } = stack.consumer
    return log('OrderStarted', [address, address, 10n ** 18n, 0n, now(), address, 1n])
  }
  const paid = (): Log => {
    const { providerFeeAddress, providerFeeToken, providerFeeAmount, providerData, v, r, s, validUntil } = fee
    const values = [providerFeeAddress, providerFeeToken, providerFeeAmount, providerData, v, r, s, validUntil]
    return log('ProviderFee', values)
  }

  it('error: order and fee, the fee truly signed, emitted by another contract', async () => {
    const transferTxId = await emitLogs(stack.chain, [started(), paid()])
    const answer = await download(signedDownload(stack, { asset, transferTxId }))
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('Cannot find the event')])
    expect(stack.origin.seen.some(({ path }) => path === '/unpaid')).toBe(false)
  })

  it('error: the reuse of a true order of another asset, dated into the future by another contract', async () => {
    const reused = log('OrderReused', [access.transferTxId, stack.consumer.address, now() + 10n ** 9n, 1n])
    const transferTxId = await emitLogs(stack.chain, [reused, started(), paid()])
    expect((await download(signedDownload(stack, { asset, transferTxId }))).status).toBe(400)
  })

  it('error: a start with both orders forged', async () => {
    const algorithm = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/x', '1')],
    })
    const compute = { publisherTrustedAlgorithms: ['*' as const] }
    const dataset = await stack.publish({ files: [stack.origin.offer('/d', '1')], compute })
    const tx = await emitLogs(stack.chain, [started(), paid()])
    const named = ({ did, serviceId }: PublishedAsset) => ({ documentId: did, serviceId, transferTxId: tx })
    const run = { environment: 'free', dataset: named(dataset), algorithm: named(algorithm) }
    const answer = await start(stack, run)
    expect([answer.status, answer.json]).toEqual([400, { error: { 'dataset.serviceId': 'order_invalid' } }])
  })

  it('error: a day and a minute for the price of a minute, signed by a provider of ours that counted so', async () => {
    const algorithm = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/y', '1')],
    })
    const compute = { publisherTrustedAlgorithms: ['*' as const] }
    const dataset = await stack.publish({ files: [stack.origin.offer('/e', '1')], compute })
    const timestamp = Number(now())
    const feeFor = (item: PublishedAsset, amountWei: bigint): ProviderFee =>
      buildProviderFee(
        {
          providerData: { environment: 'paid', timestamp, dt: item.datatoken, id: item.serviceId },
          feeToken: stack.chain.addresses.Ocean,
          amountWei,
          validUntil: timestamp + DAY_SECONDS + 60,
        },
        PROVIDER_KEY,
      )
    const order = async (item: PublishedAsset, amountWei: bigint) => ({
      documentId: item.did,
      serviceId: item.serviceId,
      transferTxId: await stack.consumer.startOrder(item.datatoken, {
        consumer: stack.environmentAddress,
        fee: feeFor(item, amountWei),
      }),
    })
    const perMinuteWei = 10n ** 17n
    const answer = await start(stack, {
      environment: 'paid',
      dataset: await order(dataset, perMinuteWei),
      algorithm: await order(algorithm, 0n),
    })
    expect([answer.status, answer.json]).toEqual([400, { error: { order: 'fees_not_paid' } }])
  })
})

describe('signatures that are none', () => {
  const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const flip = (signature: string): string => {
    const { r, s, v } = Signature.from(signature)
    const twin = (ORDER - BigInt(s)).toString(16).padStart(64, '0')
    return `0x${r.slice(2)}${twin}${(v === 27 ? 28 : 27).toString(16)}`
  }
  const withV = (signature: string, v: number): string => signature.slice(0, -2) + v.toString(16).padStart(2, '0')

  it('behaviour: the plain one passes, and in the form of ocean.py', async () => {
    const parameters = signedDownload(stack, access)
    expect((await download(parameters)).status).toBe(200)
    const other = signedDownload(stack, access)
    const signature = other['signature'] ?? ''
    const v = Number.parseInt(signature.slice(-2), 16)
    expect((await download({ ...other, signature: withV(signature, v - 27).slice(2) })).status).toBe(200)
  })

  it.each<[string, (signature: string) => string]>([
    ['the twin with a high s', flip],
    ['a v of another chain', (signature) => withV(signature, 37)],
    ['a v that is none', (signature) => withV(signature, 2)],
    ['the compact form', (signature) => Signature.from(signature).compactSerialized],
    ['a byte less', (signature) => signature.slice(0, -2)],
    ['a byte more', (signature) => `${signature}00`],
    ['zeros', () => `0x${'0'.repeat(130)}`],
    ['an r beyond the curve', (signature) => `0x${'f'.repeat(64)}${signature.slice(66)}`],
    ['an s of zero', (signature) => `${signature.slice(0, 66)}${'0'.repeat(64)}1b`],
    ['no hex', () => `0x${'zz'.repeat(65)}`],
    ['a blank in front', (signature) => ` ${signature}`],
    ['a hundred thousand digits', () => `0x${'1'.repeat(12_000)}`],
    ['a list', () => '["0x"]'],
  ])('error: %s', async (_title, change) => {
    const parameters = signedDownload(stack, access)
    const answer = await download({ ...parameters, signature: change(parameters['signature'] ?? '') })
    expect([answer.status, answer.json]).toEqual([
      400,
      { errors: { signature: expect.anything() }, message: 'Validation error', success: false },
    ])
    // Nothing was spent: the true signature still passes.
    expect((await download(parameters)).status).toBe(200)
  })

  it('error: personal_sign over the text itself, and over the text of another route', async () => {
    const nonce = nextNonce()
    const foreign = signMessage(stack.consumer.address + access.asset.did + nonce, stack.consumer.key)
    expect((await download(signedDownload(stack, access, { nonce, signature: foreign }))).status).toBe(400)
    const other = signedDownload(stack, access)
    const text = `${access.asset.did}${other['nonce']}`
    const signature = await devWallet(DEV_ACCOUNTS.consumer.index).signMessage(text)
    expect((await download({ ...other, signature })).status).toBe(400)
  })

  it('behaviour: an order of an unpaid run starts nothing, and its own run does', async () => {
    const algorithm = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/z', '1')],
    })
    const compute = { publisherTrustedAlgorithms: ['*' as const] }
    const dataset = await stack.publish({ files: [stack.origin.offer('/f', '1')], compute })
    const run = await orderRun(stack, { dataset, algorithm, environment: 'paid' })
    expect((await start(stack, { ...run, environment: 'free' })).status).toBe(400)
    expect((await start(stack, run)).status).toBe(200)
  })
})

describe('an order that has run out', () => {
  it('error: is not made good by a reuse for nothing, nor named as good, and a new order is', async () => {
    let aheadSeconds = 0
    const later = await startStack({}, { now: () => Date.now() / 1000 + aheadSeconds })
    try {
      const file = later.origin.offer('/sold', 'sold for an hour')
      const { asset, transferTxId } = await orderAccess(later, file)
      const fetchBy = (tx: string): Promise<Answer> =>
        query(later, 'GET', '/api/services/download', signedDownload(later, { asset, transferTxId: tx }))
      const quoted = async (tx?: string): Promise<Quote> => {
        const { did: documentId, serviceId } = asset
        const parameters = { documentId, serviceId, consumerAddress: later.consumer.address }
        const all = tx === undefined ? parameters : { ...parameters, transferTxId: tx }
        return (await query(later, 'GET', '/api/services/initialize', all)).json as Quote
      }
      expect((await fetchBy(transferTxId)).status).toBe(200)
      expect(await quoted(transferTxId)).toEqual({ validOrder: transferTxId })

      aheadSeconds = 4_000
      await later.chain.increaseTime(aheadSeconds)
      const reusedTx = await later.consumer.reuseOrder(asset.datatoken, transferTxId, feeOf(await quoted()))
      for (const tx of [transferTxId, reusedTx]) {
        const answer = await fetchBy(tx)
        expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('The order has expired.')])
        expect(await quoted(tx)).not.toHaveProperty('validOrder')
      }
      const order = { consumer: later.consumer.address, fee: feeOf(await quoted(reusedTx)) }
      expect((await fetchBy(await later.consumer.startOrder(asset.datatoken, order))).status).toBe(200)
    } finally {
      await later.close()
    }
  })
})
