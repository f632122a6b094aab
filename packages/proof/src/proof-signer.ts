import { addressOf, signText } from '@c2d/chain'
import type { Secret } from '@c2d/runtime'

/** Whoever holds a proof key. It never sits in a pod; where it sits otherwise is the operator's choice. */
export interface ProofSigner {
  readonly address: string
  /** Signs a text by personal_sign (EIP-191). @returns 0x and 65 bytes r, s, v */
  sign(text: string): Promise<string>
}

/** A proof key in this process. */
export function createLocalSigner(privateKey: Secret): ProofSigner {
  return {
    address: addressOf(privateKey.reveal()),
    sign: (text) => Promise.resolve(signText(text, privateKey.reveal())),
  }
}
