import { createChainClient, type ChainClient } from '@c2d/chain'
import { isSameAddress, type ProofOrder } from '@c2d/contracts'
import { DEV_CHAIN_ID } from '@c2d/dev-servers'
import { listTransactions, loadDerivedAsset, type JobRow } from '@c2d/operator-db'
import type { ChaosWorld } from './chaos-world.ts'
import type { JobEvidence } from './check-job.ts'
import { checkNfts, checkPublishedJob, type PublishedEvidence } from './check-published-job.ts'
import type { PublishingWorld } from './publishing-world.ts'
import { OPERATOR } from './tormented-chain.ts'
import type { Violation } from './violation.ts'

/** Everything that is wrong on chain, or with what is said of it. */
export async function checkPublishing(
  jobs: readonly Pick<JobEvidence, 'job' | 'row' | 'events'>[],
  { db }: ChaosWorld,
  { chain, factoryAddress, startBlock, orders }: PublishingWorld,
): Promise<Violation[]> {
  const client = createChainClient({ chainId: DEV_CHAIN_ID, rpcUrl: chain.rpcUrl, factoryAddress, startBlock })
  try {
    const evidence: PublishedEvidence[] = []
    for (const known of jobs) {
      const { jobId } = known.job
      const asset = await loadDerivedAsset(db, jobId)
      const faults = asset?.nft && known.row ? await listFaults(client, asset.nft, known.row) : []
      const told = await countExecutions(client, jobId, orders)
      evidence.push({ ...known, asset, faults, told, transactions: await listTransactions(db, jobId) })
    }
    const before = orders.map(({ nft }) => nft)
    const made = (await client.listNfts())
      .map(({ address }) => address)
      .filter((address) => !before.some((nft) => isSameAddress(nft, address)))
    return [
      ...evidence.flatMap(checkPublishedJob),
      ...checkNfts(
        made,
        evidence.map(({ asset }) => asset),
      ),
      ...(await checkNonces(db, chain)),
    ]
  } finally {
    client.close()
  }
}

/** What is wrong with an asset on chain: it is its consumer's, active, and says where it comes from. */
async function listFaults(client: ChainClient, nft: string, row: JobRow): Promise<string[]> {
  const owner = await client.nftOwner(nft)
  const metadata = await client.latestMetadata(nft)
  // The provider of these runs encrypts to hex, so this is the document itself.
  const document = metadata ? Buffer.from(metadata.data).toString('utf8') : ''
  const faults: string[] = []
  if (!owner || !isSameAddress(owner, row.owner)) faults.push(`its asset ${nft} belongs to ${owner}`)
  if (metadata?.state !== 0) faults.push(`its asset ${nft} has the state ${metadata?.state}`)
  if (!document.includes(row.jobId)) faults.push(`its asset ${nft} says ${document || 'nothing'}`)
  return faults
}

async function countExecutions(client: ChainClient, jobId: string, orders: readonly ProofOrder[]): Promise<number> {
  const told = await Promise.all(orders.map(({ datatoken, txId }) => client.listExecutions(datatoken, txId, 0)))
  return told.flat().filter(({ providerData }) => providerData?.includes(jobId)).length
}

/** No two transactions share a nonce, and all are mined: so would be the wallet's next one. */
async function checkNonces(db: ChaosWorld['db'], chain: PublishingWorld['chain']): Promise<Violation[]> {
  const { rows } = await db.raw<{ rows: { kept: number; nonces: number; last: number | null }[] }>(
    `SELECT count(*)::int AS kept, count(DISTINCT nonce)::int AS nonces, max(nonce)::int AS last
     FROM chain_transactions WHERE wallet = :wallet`,
    { wallet: OPERATOR.address.toLowerCase() },
  )
  const { kept = 0, nonces = 0, last = null } = rows[0] ?? {}
  const sent = await chain.countSent()
  const found: Violation[] = []
  if (kept !== nonces) found.push({ kind: 'wrong', message: `${kept} transactions share ${nonces} nonces` })
  if (last !== null && sent <= last)
    found.push({ kind: 'wrong', message: `the wallet sent ${sent} transactions, and nonce ${last} is not among them` })
  return found
}

/** How much was brought to the chain. */
export async function countPublished({ db }: ChaosWorld): Promise<{ assets: number; transactions: number }> {
  const { rows } = await db.raw<{ rows: { assets: number; transactions: number }[] }>(
    `SELECT (SELECT count(*)::int FROM derived_assets WHERE state = 'published') AS assets,
       (SELECT count(*)::int FROM chain_transactions WHERE state = 'mined') AS transactions`,
  )
  return rows[0] ?? { assets: 0, transactions: 0 }
}
