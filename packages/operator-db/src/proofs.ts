import { fileSaltListSchema, proofEnvelopeSchema, type FileSalt, type ProofEnvelope } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

/**
 * Jobs that ended here and have no proof yet, longest ended first. What an earlier system ended is not ours to vouch for.
 * @param selection.environments whose jobs to vouch for
 * @param selection.except jobs that are not asked for now
 */
export async function listUnprovenJobs(
  db: Database,
  selection: { environments: readonly string[]; except: readonly string[]; limit: number },
): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { jobId: string }[] }>(
    `SELECT workflowid AS "jobId" FROM jobs
     WHERE datefinished IS NOT NULL AND proof_due AND namespace = ANY (:environments)
       AND workflowid <> ALL (:except)
     ORDER BY datefinished LIMIT :limit`,
    selection,
  )
  return rows.map(({ jobId }) => jobId)
}

/** Jobs of an environment that ended and have no proof yet. */
export interface UnprovenJobs {
  environment: string
  jobs: number
  /** How long ago the first of them ended, in seconds; 0 where there is none. */
  oldestSeconds: number
}

/** How many jobs of each environment ended without a proof, for an operator who watches. */
export async function countUnproven(db: Database, environments: readonly string[]): Promise<UnprovenJobs[]> {
  const { rows } = await db.raw<{ rows: UnprovenJobs[] }>(
    `SELECT environment, count(workflowid)::int AS jobs,
       greatest(0, coalesce(extract(epoch FROM clock_timestamp() - min(datefinished)), 0))::float8 AS "oldestSeconds"
     FROM unnest(:environments::text[]) AS served (environment)
     LEFT JOIN jobs ON namespace = environment AND datefinished IS NOT NULL AND proof_due
     GROUP BY environment`,
    { environments },
  )
  return rows
}

/**
 * Keeps a proof, once a job, with the event `proven`, which tells the statement's hash and the key.
 * @param proof.salts of the datasets whose file hashes it tells salted only
 * @param proof.isAnchored whether its orders are to be told of it on chain
 * @returns false when the job has one already: that one stays
 */
export async function insertProof(
  db: Database,
  proof: { jobId: string; envelope: ProofEnvelope; salts: readonly FileSalt[]; isAnchored: boolean; by: string },
): Promise<boolean> {
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `WITH kept AS (
       INSERT INTO proofs (job_id, envelope, salts, anchor_due)
       VALUES (:jobId, :envelope::jsonb, :salts::jsonb, :isAnchored)
       ON CONFLICT DO NOTHING RETURNING job_id, envelope
     ), settled AS (
       UPDATE jobs SET proof_due = false WHERE workflowid = :jobId AND datefinished IS NOT NULL
     )
     INSERT INTO job_events (job_id, what, by_whom, detail)
     SELECT job_id, 'proven', :by, jsonb_build_object(
       'sha256', encode(sha256(decode(envelope ->> 'payload', 'base64')), 'hex'),
       'keyAddress', envelope #>> '{signatures,0,keyid}')
     FROM kept`,
    { ...proof, envelope: JSON.stringify(proof.envelope), salts: JSON.stringify(proof.salts) },
  )
  return rowCount === 1
}

/** The proof of a job; null where there is none (yet). */
export async function loadProof(db: Database, jobId: string): Promise<ProofEnvelope | null> {
  const { rows } = await db.raw<{ rows: { envelope: unknown }[] }>(
    'SELECT envelope FROM proofs WHERE job_id = :jobId',
    { jobId },
  )
  return rows[0] ? proofEnvelopeSchema.parse(rows[0].envelope) : null
}

/** The salts beside the proof of a job; none where there is no proof (yet). */
export async function loadProofSalts(db: Database, jobId: string): Promise<FileSalt[]> {
  const { rows } = await db.raw<{ rows: { salts: unknown }[] }>('SELECT salts FROM proofs WHERE job_id = :jobId', {
    jobId,
  })
  return fileSaltListSchema.parse(rows[0]?.salts ?? [])
}
