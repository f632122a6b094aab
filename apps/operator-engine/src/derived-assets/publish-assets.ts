import { createHash } from 'node:crypto'
import type { GuardedFetch } from '@c2d/http-kit'
import { loadJob, loadProof, postponeAsset, refuseAsset, settleAsset, takeDueAssets } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { verifyProof } from '@c2d/proof'
import { toError, type Logger } from '@c2d/runtime'
import type { EnvironmentConfig } from '../config.ts'
import type { OperatorWallets } from '../transactions/operator-wallet.ts'
import { chooseResults, wishOf } from './choose-results.ts'
import { publishAsset, type PublishOutcome } from './publish-asset.ts'
import { buildResultToken } from './result-token.ts'

export interface PublishAssetsDeps {
  db: Database
  fetch: GuardedFetch
  wallets: OperatorWallets
  by: string
  log: Logger
}

const LEASE_SECONDS = 30
const LOOK_AGAIN_SECONDS = 3
const TROUBLE_SECONDS = 30
const BATCH = 5

/** Takes every asset that is due one step further. No job waits for it: it is a round of its own. */
export async function publishAssets(
  environments: ReadonlyMap<string, EnvironmentConfig>,
  deps: PublishAssetsDeps,
): Promise<void> {
  const served = [...environments.keys()]
  const due = await takeDueAssets(deps.db, { environments: served, leaseSeconds: LEASE_SECONDS, limit: BATCH })
  for (const jobId of due) {
    try {
      await settle(jobId, await advance(jobId, environments, deps), environments, deps)
    } catch (thrown) {
      // A provider or an endpoint that is away: what is kept is gone on with when they are back.
      const error = toError(thrown)
      deps.log.warn({ jobId, err: error }, 'an asset could not be published yet')
      await postponeAsset(deps.db, { jobId, inSeconds: TROUBLE_SECONDS, note: error.message })
    }
  }
}

async function advance(
  jobId: string,
  environments: ReadonlyMap<string, EnvironmentConfig>,
  deps: PublishAssetsDeps,
): Promise<PublishOutcome> {
  const [job, proof] = [await loadJob(deps.db, jobId), await loadProof(deps.db, jobId)]
  const wish = job && wishOf(job)
  const environment = job && environments.get(job.environment)
  if (!job || !wish || !environment) return { state: 'refused', note: 'the job cannot be read any more' }
  if (!proof) return { state: 'waiting', note: 'its proof is not signed yet' }
  const { statement } = verifyProof(proof)
  const chainId = job.chainId ?? 0
  const operator = deps.wallets.get(chainId)
  const factoryAddress = operator?.factoryAddress
  if (!statement) return { state: 'refused', note: 'the proof does not hold' }
  // It was offered, and may be paid for: an engine that was set up otherwise takes nothing back, and another one goes on.
  if (!operator || factoryAddress === undefined)
    throw new Error('this engine has no wallet that publishes on the chain')
  const sha256 = createHash('sha256').update(Buffer.from(proof.payload, 'base64')).digest('hex')
  return publishAsset(
    {
      jobId,
      chainId,
      wish,
      results: chooseResults(job, wish),
      resultToken: buildResultToken(environment.privateKey, jobId),
      proof: { statement, sha256 },
    },
    { ...deps, operator: { ...operator, factoryAddress } },
  )
}

async function settle(
  jobId: string,
  outcome: PublishOutcome,
  environments: ReadonlyMap<string, EnvironmentConfig>,
  { db, by, log }: PublishAssetsDeps,
): Promise<void> {
  switch (outcome.state) {
    case 'waiting':
      await postponeAsset(db, { jobId, inSeconds: LOOK_AGAIN_SECONDS, note: outcome.note })
      return
    case 'refused': {
      const job = await loadJob(db, jobId)
      const resultsKeptSeconds = environments.get(job?.environment ?? '')?.storageExpiry ?? 0
      await refuseAsset(db, { jobId, note: outcome.note, by, resultsKeptSeconds })
      log.warn({ jobId, note: outcome.note }, 'an asset is refused')
      return
    }
    case 'published': {
      const { did, nft, datatoken, transactions } = outcome
      await settleAsset(db, { jobId, did, nft, datatoken, by, detail: { did, nft, datatoken, transactions } })
      log.info({ jobId, did }, 'asset published')
    }
  }
}
