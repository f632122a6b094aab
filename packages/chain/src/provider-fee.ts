import type { ProviderData, ProviderFee } from '@c2d/contracts'
import { computeAddress, getBytes, hashMessage, hexlify, solidityPackedKeccak256, toUtf8Bytes } from 'ethers'
import { recoverDigestSigner } from './message-signature.ts'
import type { FeeEvent } from './order-receipt.ts'
import { parsePrivateKey } from './private-key.ts'

/** What a fee says before it is signed. */
export interface ProviderFeeTerms {
  /** What the fee is for; a text is taken as it stands. */
  providerData: ProviderData | string
  feeToken: string
  /** Base units of the fee token. */
  amountWei: bigint
  /** Epoch seconds; 0 is no limit. */
  validUntil: number
}

/**
 * Signs a fee, as the datatoken contract verifies it in an order (provider-http-api §5.2, §5.3).
 * @param privateKey the provider's key on that chain
 * @throws ConfigError when the key is no private key
 */
export function buildProviderFee(terms: ProviderFeeTerms, privateKey: string): ProviderFee {
  const key = parsePrivateKey(privateKey)
  const providerFeeAddress = computeAddress(key)
  const providerData = hexlify(toUtf8Bytes(providerDataText(terms.providerData)))
  const digest = feeDigest({
    rawProviderData: providerData,
    providerFeeAddress,
    providerFeeToken: terms.feeToken,
    amountWei: terms.amountWei,
    validUntil: terms.validUntil,
  })
  const { v, r, s } = key.sign(hashMessage(digest))
  return {
    providerFeeAddress,
    providerFeeToken: terms.feeToken,
    providerFeeAmount: terms.amountWei.toString(),
    providerData,
    v,
    r,
    s,
    validUntil: terms.validUntil,
  }
}

/**
 * Whether an address signed exactly this fee. Only v 27 and 28 count, as in the contract.
 * @param fee a fee of `OrderReceipt`
 * @param address in any casing
 */
export function isFeeSignedBy(fee: FeeEvent, address: string): boolean {
  if ((fee.v !== 27 && fee.v !== 28) || !Number.isSafeInteger(fee.validUntil)) return false
  const signature = `${fee.r}${fee.s.replace(/^0x/, '')}${fee.v.toString(16)}`
  return recoverDigestSigner(feeDigest(fee), signature)?.toLowerCase() === address.toLowerCase()
}

type SignedTerms = Pick<
  FeeEvent,
  'rawProviderData' | 'providerFeeAddress' | 'providerFeeToken' | 'amountWei' | 'validUntil'
>

/** The order of the hash is not the order of the contract's tuple (provider-http-api §5.2). */
function feeDigest(terms: SignedTerms): Uint8Array {
  const types = ['bytes', 'address', 'address', 'uint256', 'uint256']
  const { rawProviderData, providerFeeAddress, providerFeeToken, amountWei, validUntil } = terms
  return getBytes(
    solidityPackedKeccak256(types, [
      rawProviderData,
      providerFeeAddress.toLowerCase(),
      providerFeeToken.toLowerCase(),
      amountWei,
      validUntil,
    ]),
  )
}

function providerDataText(data: ProviderData | string): string {
  if (typeof data === 'string') return data
  const { environment, timestamp, dt, id } = data
  return JSON.stringify({ environment, timestamp, dt, id })
}
