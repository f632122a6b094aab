import type { Step } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

const RECORD = `
  WITH job AS (
    SELECT workflowid FROM jobs WHERE workflowid = :jobId AND epoch = :epoch AND datefinished IS NULL FOR UPDATE
  )
  INSERT INTO step_attempts (job_id, step, attempts, last_reason) SELECT workflowid, :step, 1, :reason FROM job
  ON CONFLICT (job_id, step) DO UPDATE
    SET attempts = step_attempts.attempts + 1, last_at = clock_timestamp(), last_reason = excluded.last_reason
  RETURNING attempts`

/**
 * Counts one more try of a step, before it is made.
 * @param claim.epoch the claim the caller holds
 * @param claim.reason why it is tried again; absent for the first
 * @returns which try it is, from 1; 0 when the claim is stale or the job finished: nothing was counted
 */
export async function recordAttempt(
  db: Database,
  claim: { jobId: string; step: Step; epoch: number; reason?: string | undefined },
): Promise<number> {
  const { rows } = await db.raw<{ rows: { attempts: number }[] }>(RECORD, { ...claim, reason: claim.reason ?? null })
  return rows[0]?.attempts ?? 0
}

/** How often a step of a job was tried. */
export async function countAttempts(db: Database, step: { jobId: string; step: Step }): Promise<number> {
  const { rows } = await db.raw<{ rows: { attempts: number }[] }>(
    'SELECT attempts FROM step_attempts WHERE job_id = :jobId AND step = :step',
    step,
  )
  return rows[0]?.attempts ?? 0
}
