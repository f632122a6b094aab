import type { JobEvent } from '@c2d/contracts'
import type { ChainTransaction, DerivedAssetRow, JobRow } from '@c2d/operator-db'
import type { ChaosJob } from './chaos-job.ts'
import type { Violation, ViolationKind } from './violation.ts'

/** All that is known of what became of a job's proof and results, when the dust has settled. */
export interface PublishedEvidence {
  readonly job: ChaosJob
  readonly row: JobRow | null
  readonly events: readonly JobEvent[]
  readonly asset: DerivedAssetRow | null
  /** What the chain shows of that asset that it should not. */
  readonly faults: readonly string[]
  /** How often the chain says that the job's order was told of its proof. */
  readonly told: number
  readonly transactions: readonly Pick<ChainTransaction, 'purpose' | 'state'>[]
}

/** The transactions of an asset, and of an anchor. */
const SENT = { asset: 3, anchor: 1 }

/** Holds one job against what must have become of it on chain: an asset where it left results, and its order told, once each. Pure. */
export function checkPublishedJob(evidence: PublishedEvidence): Violation[] {
  const { job, row, events, asset, faults, told, transactions } = evidence
  const found: Violation[] = []
  const say = (kind: ViolationKind, what: string): void => {
    found.push({ kind, message: `job ${job.jobId} (${job.scheduled.behaviour}): ${what}` })
  }
  if (!row || row.dateFinished === null) return found // `checkJob` says so
  const once = (count: number, what: string): void => {
    if (count !== 1) say(count > 1 ? 'doubled' : 'lost', `${what} ${count} times`)
  }
  const count = (what: string): number => events.filter((event) => event.what === what).length

  const isOwed = row.reason === null && (row.outputs ?? []).some(({ type }) => type === 'output')
  if (isOwed) once(count('assetPublished'), 'its asset was published')
  else if (asset) say('wrong', `has an asset although it ended with ${row.reason}`)
  if (isOwed && asset?.state !== 'published') say('lost', `has no asset: ${JSON.stringify(asset)}`)
  for (const fault of faults) say('wrong', fault)

  once(count('anchored'), 'its proof was anchored')
  once(told, 'the chain tells its order of its proof')
  for (const { purpose, state } of transactions) if (state !== 'mined') say('wrong', `${purpose} is ${state}`)
  const expected = SENT.anchor + (isOwed ? SENT.asset : 0)
  if (transactions.length !== expected) say('wrong', `${transactions.length} transactions were kept, not ${expected}`)
  return found
}

/**
 * Holds the NFTs on chain against the assets of all jobs: one each. Pure.
 * @param made everything that was made in this run, by address
 */
export function checkNfts(made: readonly string[], assets: readonly (DerivedAssetRow | null)[]): Violation[] {
  const claimed = assets.flatMap((asset) => asset?.nft ?? [])
  const found: Violation[] = []
  for (const nft of made)
    if (!claimed.includes(nft)) found.push({ kind: 'doubled', message: `the NFT ${nft} is no job's` })
  for (const nft of new Set(claimed)) {
    if (!made.includes(nft)) found.push({ kind: 'lost', message: `the NFT ${nft} is not on chain` })
    if (claimed.indexOf(nft) !== claimed.lastIndexOf(nft))
      found.push({ kind: 'wrong', message: `the NFT ${nft} is the asset of several jobs` })
  }
  return found
}
