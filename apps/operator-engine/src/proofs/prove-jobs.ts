import { insertProof, listEvents, listUnprovenJobs, loadJob } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { buildStatement, sealStatement } from '@c2d/proof'
import { toError, type Logger } from '@c2d/runtime'
import type { EnvironmentConfig } from '../config.ts'
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
  const isAnchored = deps.wallets.get(facts.predicate.job.chainId ?? 0)?.anchorsProofs === true
  return insertProof(deps.db, { jobId, envelope, isAnchored, by: deps.by })
}
