import { hashMessage } from 'ethers'
import { recoverHashSigner } from './message-signature.ts'
import { parsePrivateKey } from './private-key.ts'

/**
 * Signs a text itself by personal_sign (EIP-191), as wallets and eth_account do; unlike `signMessage`, which signs the
 * text's digest. What operators are notified with is signed this way (operator-engine-behaviour §10).
 * @returns 0x and 65 bytes r, s, v; v is 1b or 1c
 * @throws ConfigError when the key is no private key
 */
export function signText(text: string, privateKey: string): string {
  return parsePrivateKey(privateKey).sign(hashMessage(text)).serialized
}

/** The 32 bytes, 0x and hex, that `signText` signs: for a key that is elsewhere. */
export function textDigest(text: string): string {
  return hashMessage(text)
}

/** Who signed a text by `signText`, under the rules of `recoverSigner`; null for what is no signature. */
export function recoverTextSigner(text: string, signature: string): string | null {
  return recoverHashSigner(hashMessage(text), signature)
}
