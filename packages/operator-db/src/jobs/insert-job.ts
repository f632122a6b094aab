import { JOB_STATUS, type StoredWorkflow } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'
import { renderAsciiJson } from '../job-row.ts'

/** A job to be queued. */
export interface NewJob {
  jobId: string
  agreementId: string
  owner: string
  environment: string
  workflow: StoredWorkflow
  chainId: number | null
  /** Epoch seconds until which the run is paid for; null is no limit of its own. */
  validUntil: number | null
  /** Address of the provider that signed the request. */
  provider: string
  /** SHA-256 of the signed request in hex. */
  requestKey: string
}

// DO NOTHING waits for a racing insert of the same request or agreement to commit, so of any number exactly one wins.
const INSERT = `
  WITH created AS (
    INSERT INTO jobs (workflowid, agreementid, owner, status, statustext, namespace, workflow, provider, request_key, valid_until)
    VALUES (:jobId, :agreementId, :owner, :status, :statusText, :environment, :workflow, :provider, :requestKey, :validUntil)
    ON CONFLICT DO NOTHING
    RETURNING workflowid
  ), noted AS (
    INSERT INTO job_events (job_id, what, by_whom) SELECT workflowid, 'created', 'operator-service' FROM created
  )
  SELECT workflowid AS "jobId" FROM created`

/**
 * Queues a job. The same request again gives the job that it started the first time.
 * @throws AppError `AgreementInUse` when another unfinished job has the agreement (operator-service-api §3.2 step 4)
 */
export async function insertJob(db: Database, job: NewJob): Promise<{ jobId: string; created: boolean }> {
  const bindings = {
    jobId: job.jobId,
    agreementId: job.agreementId,
    owner: job.owner,
    status: JOB_STATUS.warmingUp.code,
    statusText: JOB_STATUS.warmingUp.text,
    environment: job.environment,
    workflow: renderAsciiJson(withChain(job.workflow, job.chainId)),
    provider: job.provider,
    requestKey: job.requestKey,
    validUntil: job.validUntil,
  }
  const inserted = await db.raw<{ rows: { jobId: string }[] }>(INSERT, bindings)
  const created = inserted.rows[0]
  if (created) return { jobId: created.jobId, created: true }
  const first = await findJobOfRequest(db, job.requestKey)
  if (first !== null) return { jobId: first, created: false }
  throw agreementInUse()
}

/** The id of the job that a signed request started, or null for a request never seen. */
export async function findJobOfRequest(db: Database, requestKey: string): Promise<string | null> {
  const { rows } = await db.raw<{ rows: { jobId: string }[] }>(
    'SELECT workflowid AS "jobId" FROM jobs WHERE request_key = :requestKey',
    { requestKey },
  )
  return rows[0]?.jobId ?? null
}

/** Whether an unfinished job has the agreement; `insertJob` decides, this only lets a refusal come in its turn. */
export async function isAgreementInUse(db: Database, agreementId: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `SELECT 1 FROM jobs WHERE datefinished IS NULL
       AND lower(regexp_replace(agreementid, '^0x', '', 'i')) = lower(regexp_replace(:agreementId, '^0x', '', 'i'))
     LIMIT 1`,
    { agreementId },
  )
  return rows.length > 0
}

/** The refusal of an agreement that runs a job already, in the reference's words. */
export function agreementInUse(): AppError {
  return new AppError('AgreementInUse', { legacy: '`agreementId` already in use for other job.' })
}

function withChain(workflow: StoredWorkflow, chainId: number | null): StoredWorkflow {
  return { ...workflow, spec: { metadata: { ...workflow.spec.metadata, ...(chainId === null ? {} : { chainId }) } } }
}
