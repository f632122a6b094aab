import { createHash } from 'node:crypto'
import type { Step } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

// The job's row is locked first, as the report functions do: a claim, an end and a report cannot pass each other here.
const REGISTER = `
  WITH job AS (
    SELECT workflowid FROM jobs WHERE workflowid = :jobId AND epoch = :epoch AND datefinished IS NULL FOR UPDATE
  )
  INSERT INTO step_tokens (job_id, step, token_sha256) SELECT workflowid, :step, :hash FROM job
  ON CONFLICT (job_id, step) DO UPDATE
    SET token_sha256 = excluded.token_sha256, created_at = clock_timestamp(), ended_at = NULL`

const END = `
  WITH job AS (SELECT workflowid FROM jobs WHERE workflowid = :jobId FOR UPDATE)
  UPDATE step_tokens SET ended_at = clock_timestamp()
  FROM job WHERE job_id = job.workflowid AND ended_at IS NULL AND (:step::text IS NULL OR step = :step)`

/**
 * Lets a step's pod report with this token; a different one of the same step ends. Registering the same token again
 * changes nothing, so an engine that starts a step a second time does not silence the pod it may have started already.
 * Only the token's hash is stored.
 * @param claim.epoch the claim the caller holds
 * @returns false when the claim is stale or the job finished
 */
export async function registerStepToken(
  db: Database,
  claim: { jobId: string; step: Step; epoch: number; token: string },
): Promise<boolean> {
  const { token, ...rest } = claim
  const hash = createHash('sha256').update(token).digest('hex')
  const { rowCount } = await db.raw<{ rowCount: number }>(REGISTER, { ...rest, hash })
  return rowCount === 1
}

/** Ends the tokens of a job, or of one of its steps: its pod can report nothing any more. Safe to repeat. */
export async function endStepTokens(db: Database, tokens: { jobId: string; step?: Step | undefined }): Promise<void> {
  await db.raw(END, { jobId: tokens.jobId, step: tokens.step ?? null })
}
