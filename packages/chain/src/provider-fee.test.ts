import type { ProviderFee } from '@c2d/contracts'
import { providerFeeSchema } from '@c2d/contracts'
import { describe, expect, it } from '@jest/globals'
import { addressOf, buildProviderFee, isFeeSignedBy, type FeeEvent } from './index.ts'

const KEY = `0x${'01'.repeat(32)}`
const PROVIDER = addressOf(KEY)
const BARGE_KEY = '0xfd5c1ccea015b6d663618850824154a3b3fb2882c46cefb05b9a93fea8c3d215'

const freeTerms = () => ({
  providerData: {
    id: 's1',
    dt: '0xC7EC1970B09224B317c52d92f37F5e1E4fF6B687',
    timestamp: 1700000000.5,
    environment: null,
  },
  feeToken: '0x967da4048cD07aB37855c090aAF366e4ce1b9F48',
  amountWei: 0n,
  validUntil: 0,
})

const paidTerms = () => ({
  providerData:
    '{"environment":"ocean-compute","timestamp":1700000000.5,"dt":"0xA74847bf9cebD3696031dC8f0033CF9A009E66Bc","id":"svc"}',
  feeToken: '0x2473f4F7bf40ed9310838edFCA6262C17A59DF64',
  amountWei: 10n ** 18n,
  validUntil: 1700000300,
})

/** The fee as the datatoken's event tells it. */
function emitted(fee: ProviderFee): FeeEvent {
  return {
    providerFeeAddress: fee.providerFeeAddress,
    providerFeeToken: fee.providerFeeToken,
    amountWei: BigInt(fee.providerFeeAmount),
    providerData: null,
    rawProviderData: fee.providerData,
    v: fee.v,
    r: fee.r,
    s: fee.s,
    validUntil: fee.validUntil,
  }
}

describe('provider fees', () => {
  it('behaviour: a free fee is that of the provider reference, its keys in the signed order', () => {
    const fee = buildProviderFee(freeTerms(), KEY)
    expect(Buffer.from(fee.providerData.slice(2), 'hex').toString()).toBe(
      '{"environment":null,"timestamp":1700000000.5,"dt":"0xC7EC1970B09224B317c52d92f37F5e1E4fF6B687","id":"s1"}',
    )
    expect(fee).toMatchObject({
      providerFeeAddress: PROVIDER,
      providerFeeToken: '0x967da4048cD07aB37855c090aAF366e4ce1b9F48',
      providerFeeAmount: '0',
      v: 28,
      r: '0xe57db8de8b97d1358e3ced7bfa00b9e850ee5c8c3bc2aa98b3a49442c14ae645',
      s: '0x54586cb8c6dc4dbdce6fefa3a89a1fe34554ed1e73411cec1736504aaf76f0ae',
      validUntil: 0,
    })
    expect(providerFeeSchema.parse(fee)).toEqual(fee)
  })

  it('behaviour: a paid fee is that of the contracts reference, its text taken as it stands', () => {
    expect(buildProviderFee(paidTerms(), BARGE_KEY)).toMatchObject({
      providerFeeAddress: '0xe08A1dAe983BC701D05E492DB80e0144f8f4b909',
      providerFeeAmount: '1000000000000000000',
      v: 27,
      r: '0x3fce517533cca34d3f41e55ee4982274da1e56ccf292ebc76457e461168aa979',
      s: '0x27606e931e77d6227bdbc777d48be2ac7f8c66e3915ddc6ada6f5bb5af4655bf',
      validUntil: 1700000300,
    })
  })

  it('behaviour: r and s keep their leading zeros', () => {
    const fees = Array.from({ length: 300 }, (_, second) =>
      buildProviderFee({ ...freeTerms(), validUntil: second }, KEY),
    )
    expect(fees.some(({ r, s }) => r.startsWith('0x00') || s.startsWith('0x00'))).toBe(true)
    for (const { r, s } of fees) expect([r.length, s.length]).toEqual([66, 66])
  })

  it('behaviour: a fee is known by its signer, in any casing', () => {
    const fee = emitted(buildProviderFee(freeTerms(), KEY))
    expect(isFeeSignedBy(fee, PROVIDER)).toBe(true)
    expect(isFeeSignedBy(fee, PROVIDER.toLowerCase())).toBe(true)
    expect(isFeeSignedBy(fee, addressOf(BARGE_KEY))).toBe(false)
  })

  it.each<[string, Partial<FeeEvent>]>([
    ['amount', { amountWei: 1n }],
    ['token', { providerFeeToken: PROVIDER }],
    ['beneficiary', { providerFeeAddress: addressOf(BARGE_KEY) }],
    ['data', { rawProviderData: '0x7b7d' }],
    ['time limit', { validUntil: 1 }],
    ['v', { v: 27 }],
    ['form of v', { v: 1 }],
    ['r', { r: `0x${'00'.repeat(32)}` }],
    ['time limit beyond every clock', { validUntil: 1e77 }],
  ])('error: a fee with another %s was not signed', (_, change) => {
    expect(isFeeSignedBy({ ...emitted(buildProviderFee(freeTerms(), KEY)), ...change }, PROVIDER)).toBe(false)
  })
})
