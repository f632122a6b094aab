import type { Step } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

const RECORD = `
  WITH job AS (
    SELECT workflowid, coalesce(claimed_by, 'engine') AS claimed_by FROM jobs
    WHERE workflowid = :jobId AND epoch = :epoch AND datefinished IS NULL FOR UPDATE
  ), noted AS (
    INSERT INTO job_events (job_id, what, by_whom, detail)
    SELECT workflowid, 'retried', claimed_by, event.detail FROM job,
      (SELECT jsonb_build_object('step', :step::text, 'attempt', :attempt::int, 'reason', :reason::text)) AS event (detail)
    -- The same attempt may be begun again by an engine that does not know that it was.
    WHERE :attempt > 1 AND NOT EXISTS (
      SELECT 1 FROM job_events AS known WHERE known.job_id = workflowid AND known.what = 'retried'
        AND known.detail ->> 'step' = :step AND (known.detail ->> 'attempt')::int = :attempt)
  )
  INSERT INTO step_attempts (job_id, step, attempts, last_reason) SELECT workflowid, :step, 1, :reason FROM job
  ON CONFLICT (job_id, step) DO UPDATE
    SET attempts = step_attempts.attempts + 1, last_at = clock_timestamp(), last_reason = excluded.last_reason
  RETURNING attempts`

/**
 * Counts one more try of a step, before it is made; an attempt after the first is an event of its own.
 * @param claim.epoch the claim the caller holds
 * @param claim.attempt which attempt of the step it is to be, from 1
 * @param claim.reason why it is tried again; absent for the first
 * @returns which try it is, from 1; 0 when the claim is stale or the job finished: nothing was counted
 */
export async function recordAttempt(
  db: Database,
  claim: { jobId: string; step: Step; epoch: number; attempt: number; reason?: string | undefined },
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
