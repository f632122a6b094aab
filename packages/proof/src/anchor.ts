import { createHash } from 'node:crypto'
import type { ChainClient, OrderExecution } from '@c2d/chain'
import type { ProofEnvelope, ProofOrder } from '@c2d/contracts'
import { canonicalJson } from './canonical-json.ts'

/** What an anchor tells of a proof on chain: which job's, and the hash of the statement's signed bytes. */
export function anchorText(jobId: string, envelope: Pick<ProofEnvelope, 'payload'>): string {
  const proofSha256 = createHash('sha256').update(Buffer.from(envelope.payload, 'base64')).digest('hex')
  return canonicalJson({ jobId, proofSha256 })
}

/**
 * The first anchor of a proof at one of its orders: whoever sent it, from then on the proof was as it is.
 * @param fromBlock the order's own block, or an earlier one
 * @throws AppError UpstreamUnavailable
 */
export async function findAnchor(
  order: ProofOrder,
  text: string,
  fromBlock: number,
  chain: Pick<ChainClient, 'listExecutions'>,
): Promise<OrderExecution | null> {
  const executions = await chain.listExecutions(order.datatoken, order.txId, fromBlock)
  return executions.find(({ providerData }) => providerData === text) ?? null
}
