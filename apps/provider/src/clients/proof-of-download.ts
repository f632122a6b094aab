import { signMessage, type OrderProof, type OrderProofSender } from '@c2d/chain'
import { readText, requestUpstream } from './upstream-request.ts'

/** What is kept of one download, by which a provider can show that it delivered (provider-http-api §9.4). */
export interface ProofOfDownload extends Omit<OrderProof, 'consumerSignature'> {
  chainId: number
  /** Which file of which service. */
  file: string
  /** Undefined where an auth token stood in for it. */
  consumerSignature: string | undefined
}

/** Where proofs go. */
export interface ProofSink {
  /** @throws whatever kept it from being handed over */
  deliver(proof: ProofOfDownload): Promise<void>
}

const ANSWER_LIMIT_BYTES = 64 * 1024
const MAX_REMEMBERED = 10_000

/**
 * Posts each proof as a form to a server of the operator's.
 * @param deps.keyOf the provider's key on a chain
 */
export function createHttpProofs(
  options: { url: string; timeoutMs: number },
  deps: { keyOf: (chainId: number) => string },
): ProofSink {
  const url = new URL(options.url)
  return {
    async deliver({ chainId, orderTxId, providerData, consumerData, consumerSignature, consumerAddress }) {
      const providerSignature = signMessage(providerData, deps.keyOf(chainId))
      const form = { orderTxId, providerData, providerSignature, consumerData, consumerAddress }
      const body = new URLSearchParams(consumerSignature === undefined ? form : { ...form, consumerSignature })
      const response = await requestUpstream(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: body.toString(),
        timeoutMs: options.timeoutMs,
        signal: AbortSignal.timeout(options.timeoutMs),
      })
      await readText(response, ANSWER_LIMIT_BYTES)
      if (response.status >= 400) throw new Error(`the server of proofs answered ${response.status}`)
    },
  }
}

/**
 * Writes proofs to their chains, one for each file of an order: ranges and repetitions would cost the provider without
 * showing more. The contract recovers the consumer from their signature: a download by auth token has none, so it is
 * left out.
 */
export function createChainProofs(deps: { senders: ReadonlyMap<number, OrderProofSender> }): ProofSink {
  const sent = new Set<string>()
  return {
    async deliver(proof) {
      const { consumerSignature, chainId } = proof
      const key = `${chainId} ${proof.orderTxId.toLowerCase()} ${proof.file}`
      if (consumerSignature === undefined || sent.has(key)) return
      await deps.senders.get(chainId)?.send({ ...proof, consumerSignature })
      sent.add(key)
      const [oldest] = sent
      if (sent.size > MAX_REMEMBERED && oldest !== undefined) sent.delete(oldest)
    },
  }
}
