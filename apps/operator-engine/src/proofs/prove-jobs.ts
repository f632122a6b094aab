import { createHash } from 'node:crypto'
import { insertProof, listEvents, listUnprovenJobs, loadJob, owePublication } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { buildStatement, sealStatement } from '@c2d/proof'
import { toError, type Logger } from '@c2d/runtime'
import type { EnvironmentConfig } from '../config.ts'
import { chooseResults, wishOf } from '../derived-assets/choose-results.ts'
import { buildResultToken } from '../derived-assets/result-token.ts'
import type { OperatorWallets } from '../transactions/operator-wallet.ts'
import type { Executor } from '../executor/executor.ts'
import { buildFacts } from './build-facts.ts'
import type { ProofKeys } from './proof-key.ts'

const BATCH = 50

export interface ProveDeps {
  db: Database
  executor: Pick<Executor, 'name'>
  keyOf: ProofKeys
  wallets: OperatorWallets
  by: string
  log: Logger
}

/**
 * Signs what there is to say of jobs that ended. It is a round of its own, so no job ever waits for its proof; the first
 * proof of a job stays, so two engines at it are one too many and no harm.
 */
export async function proveJobs(environments: ReadonlyMap<string, EnvironmentConfig>, deps: ProveDeps): Promise<void> {
  let jobIds: string[]
  do {
    jobIds = await listUnprovenJobs(deps.db, { environments: [...environments.keys()], limit: BATCH })
    let proven = 0
    for (const jobId of jobIds) {
      try {
        if (await proveJob(jobId, environments, deps)) proven += 1
      } catch (thrown) {
        deps.log.error({ jobId, err: toError(thrown) }, 'a job could not be proven')
      }
    }
    if (proven === 0) return // the rest fails the same way until something changes: the next round tries again
  } while (jobIds.length === BATCH)
}

async function proveJob(
  jobId: string,
  environments: ReadonlyMap<string, EnvironmentConfig>,
  deps: ProveDeps,
): Promise<boolean> {
  const job = await loadJob(deps.db, jobId)
  const environment = job && environments.get(job.environment)
  if (!job || !environment) return false
  const facts = buildFacts(job, await listEvents(deps.db, jobId), { environment, executor: deps.executor.name })
  if (!facts) return false
  const { signer, endorsement } = await deps.keyOf(environment, facts.predicate.finishedAtMs)
  const envelope = await sealStatement(buildStatement(facts.predicate, facts.files), signer, endorsement)
  const wish = wishOf(job)
  const results = wish ? chooseResults(job, wish) : []
  // Before the proof, because the proof is what says that there is nothing left to do here.
  if (results.length > 0) {
    const token = buildResultToken(environment.privateKey, jobId)
    await owePublication(deps.db, {
      jobId,
      environment: environment.id,
      sizeBytes: results.reduce((sum, { result }) => sum + result.filesize, 0),
      tokenSha256: createHash('sha256').update(token).digest('hex'),
    })
  }
  const isAnchored = deps.wallets.get(facts.predicate.job.chainId ?? 0)?.anchorsProofs === true
  return insertProof(deps.db, { jobId, envelope, salts: facts.salts, isAnchored, by: deps.by })
}
