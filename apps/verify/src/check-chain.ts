import { createChainClient } from '@c2d/chain'
import type { ProofStatement } from '@c2d/contracts'
import { checkOrder } from '@c2d/proof'
import type { ReportLine } from './report.ts'

/**
 * Reads the orders of a proof on chain.
 * @throws AppError UpstreamUnavailable where the endpoint does not answer, or serves another chain
 */
export async function checkChain(statement: ProofStatement, rpcUrl: string): Promise<ReportLine[]> {
  const { job, orders, environment } = statement.predicate
  if (job.chainId === null) return [{ outcome: 'unchecked', text: 'the proof names no chain' }]
  const chain = createChainClient({ chainId: job.chainId, rpcUrl })
  try {
    await chain.isReady()
    const lines: ReportLine[] = []
    for (const order of orders) {
      const { passed, findings } = await checkOrder(order, [environment.address, job.consumer], chain)
      lines.push({
        outcome: passed ? 'passed' : 'failed',
        text: `order of ${order.did}: ${findings.join('; ')}`,
      })
    }
    return lines.length > 0 ? lines : [{ outcome: 'unchecked', text: 'the proof names no order' }]
  } finally {
    chain.close()
  }
}
