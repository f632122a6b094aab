import { checksumAddress, textDigest } from '@c2d/chain'
import { signProofAnswerSchema, type SignProofRequest } from '@c2d/contracts'
import { fitSignature, type ProofSigner } from '@c2d/proof'
import type { Secret } from '@c2d/runtime'

/** Where an external signer is, and what it must be. */
export interface UrlSignerOptions {
  url: string
  /** Of its key: an answer by any other is none. */
  address: string
  /** What it knows us by; absent sends nothing. */
  token?: Secret | undefined
  /** How long one answer may take. */
  timeoutMs: number
}

/** A signature and its JSON have 200 bytes. */
const MAX_ANSWER_BYTES = 4_096

/**
 * A proof key behind an HTTP address (docs/operations.md): whatever it answers is held against the key before it counts.
 * Each call is one request; who calls again later is who has something to sign.
 * @param deps.signal ends what is under way
 */
export function createUrlSigner(options: UrlSignerOptions, deps: { signal: AbortSignal }): ProofSigner {
  const { url, token, timeoutMs } = options
  const address = checksumAddress(options.address)
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }),
  }
  return {
    address,
    async sign(text) {
      const request: SignProofRequest = { version: 1, address, text, digest: textDigest(text) }
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body: JSON.stringify(request),
        redirect: 'error', // neither token nor statement is for anybody else
        signal: AbortSignal.any([deps.signal, AbortSignal.timeout(timeoutMs)]),
      })
      const answer = await readShort(response)
      if (response.status !== 200) throw new Error(`the proof signer answered ${response.status}`)
      const given = signProofAnswerSchema.safeParse(parseJson(answer))
      if (!given.success) throw new Error('the proof signer gave something else than a signature')
      const signature = fitSignature(text, given.data.signature, address)
      if (signature === null) throw new Error(`the proof signer gave a signature that is not by its key ${address}`)
      return signature
    },
  }
}

/** @throws Error for a body that is longer than any answer */
async function readShort(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > MAX_ANSWER_BYTES) throw new Error('the proof signer does not stop answering')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON: no schema takes it
  }
}
