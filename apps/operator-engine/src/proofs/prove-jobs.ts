import { createHash } from 'node:crypto'
import type { FileSalt, ProofStatement } from '@c2d/contracts'
import { insertProof, listEvents, listUnprovenJobs, loadJob, owePublication, type JobRow } from '@c2d/operator-db'
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

  /** @returns false where it could not be signed */
  async function tryJob(jobId: string): Promise<boolean> {
    let isReadable = false
    try {
      const facts = await loadFacts(jobId, environments, deps)
      isReadable = true
      await signProof(facts, deps)
      patience.done(jobId)
      return true
    } catch (thrown) {
      if (!deps.signal.aborted) deps.log.warn({ jobId, err: toError(thrown) }, 'a job could not be proven yet')
    }
    patience.failed(jobId)
    return !isReadable // a row that nobody can read says nothing of the signer
  }

  /** @returns whether more may be tried: false where nothing could be signed */
  async function proveAll(except: () => string[]): Promise<boolean> {
    for (;;) {
      const selection = { environments: served, except: except(), limit: BATCH }
      const jobIds = await listUnprovenJobs(deps.db, selection)
      for (let at = 0; at < jobIds.length; at += AT_ONCE) {
        const outcomes = await Promise.all(jobIds.slice(at, at + AT_ONCE).map(tryJob))
        if (deps.signal.aborted || !outcomes.includes(true)) return false
      }
      if (jobIds.length < BATCH) return true
    }
  }

  return async () => {
    // What failed before comes last: however much it is, it keeps nothing else from being proven.
    if (await proveAll(() => patience.known())) await proveAll(() => patience.waiting())
  }
}

/** What there is to sign of a job. */
interface ProvenFacts {
  job: JobRow
  environment: EnvironmentConfig
  statement: ProofStatement
  salts: FileSalt[]
}

/** @throws Error for a job that nobody can vouch for */
async function loadFacts(
  jobId: string,
  environments: ReadonlyMap<string, EnvironmentConfig>,
  { db, executor }: ProveDeps,
): Promise<ProvenFacts> {
  const job = await loadJob(db, jobId)
  const environment = job && environments.get(job.environment)
  if (!job || !environment) throw new Error('the job is gone')
  const facts = buildFacts(job, await listEvents(db, jobId), { environment, executor: executor.name })
  if (!facts) throw new Error('what ran cannot be read from the row of the job')
  return { job, environment, statement: buildStatement(facts.predicate, facts.files), salts: facts.salts }
}

/** Gives a job its proof; where another engine was faster, that one's stays. */
async function signProof({ job, environment, statement, salts }: ProvenFacts, deps: ProveDeps): Promise<void> {
  const { jobId } = job
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
  const { signer, endorsement } = await deps.keyOf(environment, statement.predicate.finishedAtMs)
  const envelope = await sealStatement(statement, signer, endorsement)
  const isAnchored = deps.wallets.get(statement.predicate.job.chainId ?? 0)?.anchorsProofs === true
  await insertProof(deps.db, { jobId, envelope, salts, isAnchored, by: deps.by })
}
