import { encodeOrderProof } from '@c2d/chain'
import type { ProofOrder, StartEvidence } from '@c2d/contracts'
import { loadJob, loadProof, postponeAnchor, settleAnchor, takeDueAnchors } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { verifyProof } from '@c2d/proof'
import { toError, type Logger } from '@c2d/runtime'
import type { OperatorWallet, OperatorWallets } from '../transactions/operator-wallet.ts'
import { sendOnce } from '../transactions/send-once.ts'

export interface AnchorDeps {
  db: Database
  wallets: OperatorWallets
  by: string
  log: Logger
}

const LEASE_SECONDS = 20
const LOOK_AGAIN_SECONDS = 5
const BATCH = 10

/**
 * Tells each order of a proven job of its proof, by `orderExecuted` on its datatoken: the hash of the proof, and what the
 * consumer signed to start the job. One transaction an order, once; no job waits for it.
 */
export async function anchorProofs(environments: readonly string[], deps: AnchorDeps): Promise<void> {
  const { db, log } = deps
  const due = await takeDueAnchors(db, { environments, leaseSeconds: LEASE_SECONDS, limit: BATCH })
  for (const jobId of due) {
    try {
      if (!(await anchorProof(jobId, deps))) await postponeAnchor(db, { jobId, inSeconds: LOOK_AGAIN_SECONDS })
    } catch (thrown) {
      log.warn({ jobId, err: toError(thrown) }, 'a proof could not be anchored yet')
    }
  }
}

/** @returns whether there is nothing more to do */
async function anchorProof(jobId: string, { db, wallets, by }: AnchorDeps): Promise<boolean> {
  const [job, proof] = [await loadJob(db, jobId), await loadProof(db, jobId)]
  const { statement, anchor: providerData } = verifyProof(proof)
  const place = wallets.get(statement?.predicate.job.chainId ?? 0)
  const consent = job?.workflow?.spec.metadata.stages[0]?.evidence?.consent
  if (!statement || !providerData || !consent) {
    const note = !statement || !providerData ? 'the proof does not hold' : 'the start was not signed'
    await settleAnchor(db, { jobId, orders: 0, note, by })
    return true
  }
  // Another engine said that it is to be anchored: one that was set up otherwise does not take that back.
  if (!place) throw new Error('this engine has no wallet on the chain of the job')
  const { consumer } = statement.predicate.job
  const sent = await Promise.all(
    statement.predicate.orders.map((order) =>
      anchorOrder(order, { jobId, providerData, consumer, consent }, db, place),
    ),
  )
  if (sent.includes('sent')) return false
  const left = sent.filter((state) => state !== 'mined')
  const note = left.length > 0 ? `${left.length} orders left out: ${left.join(', ')}` : null
  await settleAnchor(db, { jobId, orders: sent.length - left.length, note, by })
  return true
}

async function anchorOrder(
  order: ProofOrder,
  said: { jobId: string; providerData: string; consumer: string; consent: NonNullable<StartEvidence['consent']> },
  db: Database,
  { wallet, privateKey, maxGas }: OperatorWallet,
): Promise<'sent' | 'mined' | 'reverted' | 'refused'> {
  const data = encodeOrderProof(
    {
      datatokenAddress: order.datatoken,
      orderTxId: order.txId,
      providerData: said.providerData,
      consumerData: said.consent.text,
      consumerSignature: said.consent.signature,
      consumerAddress: said.consumer,
    },
    privateKey.reveal(),
  )
  const asked = {
    purpose: `anchor ${said.jobId} ${order.txId} ${order.datatoken.toLowerCase()}`,
    jobId: said.jobId,
    call: () => ({ to: order.datatoken, data }),
  }
  return (await sendOnce(asked, { maxGas }, { db, wallet })).state
}
