import { sha256Hex, signMessage } from '@c2d/chain'
import { decryptMessage, PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { getBytes, type BaseWallet } from 'ethers'
import type { DocumentEvent } from './metadata-events.ts'

const TIMEOUT_MS = 10_000

/** Gives the plain text of a published document. */
export type DocumentReader = (event: DocumentEvent) => Promise<string>

/**
 * Reads documents: plain ones as they stand, encrypted or compressed ones by asking the provider to decrypt them
 * (provider-http-api §1.7), signed by the cache's own account. The decryptor address in the event is not followed: it
 * is whatever the publisher wrote. The reader throws where the provider refuses, and where the text is not the one
 * whose hash is on chain.
 */
export function createDocumentReader(options: {
  readonly providerUrl: string
  readonly chainId: number
  readonly wallet: BaseWallet
}): DocumentReader {
  let lastNonce = 0
  const decrypt = async (event: DocumentEvent): Promise<string> => {
    lastNonce = Math.max(lastNonce + 1, Date.now())
    const nonce = String(lastNonce)
    const request = {
      transactionId: event.transactionId,
      dataNftAddress: event.nftAddress,
      decrypterAddress: options.wallet.address,
      chainId: options.chainId,
    }
    const message = decryptMessage({ ...request, chainId: String(options.chainId), nonce })
    const signature = signMessage(message, options.wallet.privateKey)
    const [method, path] = PROVIDER_ENDPOINTS.decrypt
    const response = await fetch(options.providerUrl + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, nonce, signature }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`the provider does not decrypt it (${response.status}): ${text.slice(0, 200)}`)
    return text
  }

  return async (event) => {
    const text = event.flags === 0 ? Buffer.from(getBytes(event.data)).toString('utf8') : await decrypt(event)
    if (documentHash(text) !== event.hash.toLowerCase())
      throw new Error('its text is not the one whose hash is on chain')
    return text
  }
}

/** `0x` and the SHA-256 of a document's text: what stands on chain beside it. */
export function documentHash(text: string | Uint8Array): string {
  return `0x${sha256Hex(text)}`
}
