import type { StoredResult } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'
import { renderAsciiJson } from './job-row.ts'

/** A job whose outputs are to be brought to their consumer once more. */
export interface DueDelivery {
  jobId: string
  /** Which try this is, from 1; also what the caller writes with: who takes it next raises it. */
  attempt: number
  /** Since the job ended. */
  ageSeconds: number
}

/** Names a delivery as its caller took it. */
export type TakenDelivery = Pick<DueDelivery, 'jobId' | 'attempt'>

/**
 * Takes deliveries that are due, for one caller each. One whose caller dies is due again when its lease is over.
 * @param options.environments whose jobs to deliver for
 * @param options.leaseSeconds longer than the caller's pauses between `saveDelivery`
 */
export async function takeDueDeliveries(
  db: Database,
  options: { environments: readonly string[]; leaseSeconds: number; limit: number },
): Promise<DueDelivery[]> {
  const { rows } = await db.raw<{ rows: DueDelivery[] }>(
    `WITH taken AS (
       SELECT job_id AS taken_id FROM output_deliveries
       WHERE state = 'due' AND next_at <= clock_timestamp() AND environment = ANY (:environments)
       ORDER BY next_at LIMIT :limit FOR UPDATE SKIP LOCKED
     )
     UPDATE output_deliveries SET attempts = attempts + 1,
       next_at = clock_timestamp() + make_interval(secs => :leaseSeconds)
     FROM taken WHERE job_id = taken_id
     RETURNING job_id AS "jobId", attempts AS attempt,
       extract(epoch FROM clock_timestamp() - created_at)::float8 AS "ageSeconds"`,
    options,
  )
  return rows
}

/**
 * Keeps a delivery for its caller, and writes down how far it is.
 * @param delivery.outputs all rows of the job, as they are now; null where nothing changed
 * @returns false when it is somebody else's by now, or the results are gone: nothing was written
 */
export async function saveDelivery(
  db: Database,
  delivery: TakenDelivery & { leaseSeconds: number; outputs: readonly StoredResult[] | null },
): Promise<boolean> {
  const { jobId, attempt, leaseSeconds, outputs } = delivery
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `WITH mine AS (
       UPDATE output_deliveries SET next_at = clock_timestamp() + make_interval(secs => :leaseSeconds)
       WHERE job_id = :jobId AND attempts = :attempt AND state = 'due'
       RETURNING job_id
     )
     UPDATE jobs SET outputsurl = coalesce(:outputs, outputsurl) FROM mine
     WHERE workflowid = mine.job_id AND results_removed_at IS NULL`,
    { jobId, attempt, leaseSeconds, outputs: outputs === null ? null : renderAsciiJson(outputs) },
  )
  return rowCount === 1
}

/**
 * Puts a delivery off, with the event `deliveryFailed`.
 * @param later.detail for the timeline: no address, no key
 */
export async function postponeDelivery(
  db: Database,
  later: TakenDelivery & { inSeconds: number; by: string; detail: Record<string, unknown> & { why: string } },
): Promise<void> {
  await db.raw(
    `WITH later AS (
       UPDATE output_deliveries SET next_at = clock_timestamp() + make_interval(secs => :inSeconds::float8),
         note = left(:why, 1000)
       WHERE job_id = :jobId AND attempts = :attempt AND state = 'due' RETURNING job_id
     )
     INSERT INTO job_events (job_id, what, by_whom, detail)
     SELECT job_id, 'deliveryFailed', :by, :detail::jsonb FROM later`,
    { ...later, why: later.detail.why, detail: JSON.stringify(later.detail) },
  )
}

/** Ends a delivery, with the event `outputsDelivered` or `deliveryGivenUp`. Safe to repeat. */
export async function endDelivery(
  db: Database,
  end: TakenDelivery & { state: 'delivered' | 'given up'; by: string; detail: Record<string, unknown> },
): Promise<void> {
  const { jobId, attempt, state, by, detail } = end
  await db.raw(
    `WITH ended AS (
       UPDATE output_deliveries SET state = :state, note = :note
       WHERE job_id = :jobId AND attempts = :attempt AND state = 'due' RETURNING job_id
     )
     INSERT INTO job_events (job_id, what, by_whom, detail)
     SELECT job_id, :what, :by, :detail::jsonb FROM ended`,
    {
      ...{ jobId, attempt, state, by, detail: JSON.stringify(detail) },
      note: typeof detail['why'] === 'string' ? detail['why'].slice(0, 1000) : null,
      what: state === 'delivered' ? 'outputsDelivered' : 'deliveryGivenUp',
    },
  )
}

/**
 * The key of an encrypted result of a job that is still to be delivered; other keys no engine reads (DESIGN §4.7).
 * @returns 32 bytes; null where there is none
 */
export async function loadDeliveryKey(db: Database, of: { jobId: string; object: string }): Promise<Buffer | null> {
  const { rows } = await db.raw<{ rows: { key: Buffer | null }[] }>('SELECT delivery_key(:jobId, :object) AS key', of)
  return rows[0]?.key ?? null
}
