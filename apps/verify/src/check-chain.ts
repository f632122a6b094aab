import { createChainClient } from '@c2d/chain'
import type { ProofStatement } from '@c2d/contracts'
import { checkOrder, findAnchor } from '@c2d/proof'
import type { ReportLine } from './report.ts'

/**
 * Reads the orders of a proof on chain, and whether they were told of it.
 * @param anchor what an anchor of this proof says
 * @throws AppError UpstreamUnavailable where the endpoint does not answer, or serves another chain
 */
export async function checkChain(statement: ProofStatement, anchor: string, rpcUrl: string): Promise<ReportLine[]> {
  const { job, orders, environment } = statement.predicate
  if (job.chainId === null) return [{ outcome: 'unchecked', text: 'the proof names no chain' }]
  const chain = createChainClient({ chainId: job.chainId, rpcUrl })
  try {
    await chain.isReady()
    const lines: ReportLine[] = []
    for (const order of orders) {
      const parties = { environment, consumer: job.consumer }
      const { passed, findings, blockNumber, isForEnvironment } = await checkOrder(order, parties, chain)
      lines.push({
        outcome: passed ? 'passed' : 'failed',
        text: `order of ${order.did}: ${findings.join('; ')}`,
      })
      if (blockNumber === null) continue
      if (!isForEnvironment) {
        const text = `that it was for ${environment.address}: it was made for the consumer, and its fee was quoted for ${environment.id}`
        lines.push({ outcome: 'unchecked', text })
      }
      const found = await findAnchor(order, anchor, blockNumber, chain)
      lines.push(
        found
          ? { outcome: 'passed', text: `anchored there at block ${found.blockNumber}, ${timeOf(found.timestamp)}` }
          : { outcome: 'unchecked', text: 'when it was signed: it is not anchored there' },
      )
    }
    return lines.length > 0 ? lines : [{ outcome: 'unchecked', text: 'the proof names no order' }]
  } finally {
    chain.close()
  }
}

/** @param timestamp epoch seconds */
function timeOf(timestamp: number): string {
  return new Date(timestamp * 1000).toISOString()
}
