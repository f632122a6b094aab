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
import { createPatience } from './patience.ts'
import type { ProofKeys } from './proof-key.ts'

const BATCH = 50
/** As many are signed at once: a signer elsewhere may be slow. */
const AT_ONCE = 4
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 30_000

export interface ProveDeps {
  db: Database
  executor: Pick<Executor, 'name'>
  keyOf: ProofKeys
  wallets: OperatorWallets
  by: string
  nowMs: () => number
  log: Logger
  signal: AbortSignal
}

/**
 * Signs what there is to say of jobs that ended. It is a round of its own, so no job ever waits for its proof; the first
 * proof of a job stays, so two engines at it are one too many and no harm. What could not be signed waits for a later
 * round, while others are: where nothing can be signed, that is the signer's trouble, and the round ends.
 */
export function createProver(
  environments: ReadonlyMap<string, EnvironmentConfig>,
  deps: ProveDeps,
): () => Promise<void> {
  const served = [...environments.keys()]
  const patience = createPatience({ firstMs: FIRST_RETRY_MS, longestMs: LONGEST_RETRY_MS }, deps)

  /** @returns whether there is a proof now */
  async function tryJob(jobId: string): Promise<boolean> {
    try {
      if (await proveJob(jobId, environments, deps)) {
        patience.done(jobId)
        return true
      }
    } catch (thrown) {
      if (!deps.signal.aborted) deps.log.warn({ jobId, err: toError(thrown) }, 'a job could not be proven yet')
    }
    patience.failed(jobId)
    return false
  }

  return async () => {
    for (;;) {
      const selection = { environments: served, except: patience.waiting(), limit: BATCH }
      const jobIds = await listUnprovenJobs(deps.db, selection)
      for (let at = 0; at < jobIds.length; at += AT_ONCE) {
        const outcomes = await Promise.all(jobIds.slice(at, at + AT_ONCE).map(tryJob))
        if (deps.signal.aborted || !outcomes.includes(true)) return
      }
      if (jobIds.length < BATCH) return
    }
  }
}

/** @returns whether the job has a proof now; false for one that nobody can vouch for */
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
  const statement = buildStatement(facts.predicate, facts.files)
  const wish = wishOf(job)
  const results = wish ? chooseResults(job, wish) : []
  // Before the proof, because the proof is what says that there is nothing left to do here; and before it is signed, as
  // a signer may be away for longer than results are kept.
  if (results.length > 0) {
    const token = buildResultToken(environment.privateKey, jobId)
    await owePublication(deps.db, {
      jobId,
      environment: environment.id,
      sizeBytes: results.reduce((sum, { result }) => sum + result.filesize, 0),
      tokenSha256: createHash('sha256').update(token).digest('hex'),
    })
  }
  const { signer, endorsement } = await deps.keyOf(environment, facts.predicate.finishedAtMs)
  const envelope = await sealStatement(statement, signer, endorsement)
  const isAnchored = deps.wallets.get(facts.predicate.job.chainId ?? 0)?.anchorsProofs === true
  await insertProof(deps.db, { jobId, envelope, salts: facts.salts, isAnchored, by: deps.by })
  return true // or another engine was faster: then that one's proof stays
}
