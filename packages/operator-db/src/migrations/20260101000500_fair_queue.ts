import { JOB_STATUS } from '@c2d/contracts'
import type { Migration } from '@c2d/postgres'
import { claimFunction } from './20260101000300_claim_function.ts'

const { warmingUp, configuring } = JOB_STATUS

/** The front of the queue, by ranking all of it. */
export const BY_VIEW = `-- What positions are counted by; asked for like this, only the first few need sorting.
            SELECT job_id FROM job_queue WHERE environment = for_environment
            ORDER BY turn, datecreated, job_id
            LIMIT (SELECT greatest(0, max_jobs - at_work.jobs) FROM at_work)`

/**
 * Whose turn it is. A job's turn is how many jobs its owner has at work in the environment, plus its rank among those
 * the owner has queued there; equal turns go by age. So an owner with one job waits for one turn, however many another
 * queued before, and a lone owner's jobs go in their order. One view holds the rule: claims follow it, and status
 * answers show the same position.
 */
export const fairQueue: Migration = {
  name: '20260101000500_fair_queue',
  async up(db) {
    await db.raw(`
      -- Holds all that the view reads, in its order: the queue is ranked without sorting it or fetching workflows.
      CREATE INDEX jobs_in_queue ON jobs (namespace, lower(owner), datecreated, workflowid) INCLUDE (owner)
        WHERE status = ${warmingUp.code} AND datefinished IS NULL;
      DROP INDEX jobs_to_claim;
      CREATE INDEX jobs_to_stop ON jobs (namespace)
        WHERE status = ${warmingUp.code} AND datefinished IS NULL AND stopreq = 1;

      CREATE VIEW job_queue AS
        SELECT environment, job_id, datecreated, turn,
          row_number() OVER (PARTITION BY environment ORDER BY turn, datecreated, job_id) AS position
        FROM (
          SELECT ranked.environment, ranked.job_id, ranked.datecreated, coalesce(busy.jobs, 0) + ranked.rank AS turn
          FROM (
            SELECT namespace AS environment, workflowid AS job_id, lower(owner) AS owner, datecreated,
              row_number() OVER (PARTITION BY namespace, lower(owner) ORDER BY datecreated, workflowid) AS rank
            FROM jobs WHERE status = ${warmingUp.code} AND datefinished IS NULL
          ) AS ranked
          LEFT JOIN (
            SELECT namespace AS environment, lower(owner) AS owner, count(*) AS jobs FROM jobs
            WHERE status > ${warmingUp.code} AND datefinished IS NULL
            GROUP BY namespace, lower(owner)
          ) AS busy ON busy.environment = ranked.environment AND busy.owner = ranked.owner
        ) AS turns;
      COMMENT ON VIEW job_queue IS 'Queued jobs with their position in the environment: fair between owners, then by age';

      ${createClaimJobs(BY_VIEW)}
    `)
  },
  async down(db) {
    await db.raw(`
      DROP FUNCTION claim_jobs(text, int, text, double precision);
      DROP TABLE claim_locks;
      DROP VIEW job_queue;
      DROP INDEX jobs_in_queue, jobs_to_stop;
      CREATE INDEX jobs_to_claim ON jobs (namespace, datecreated)
        WHERE status = ${warmingUp.code} AND datefinished IS NULL;
    `)
    await claimFunction.up(db) // as it was: oldest first
  },
}

/**
 * `claim_jobs` of a fair queue: the slots that are free are given to the jobs whose turn it is.
 * @param next SQL for as many `job_id`s as there are free slots, first things first; it may ask `at_work.jobs`
 */
export function createClaimJobs(next: string): string {
  return `
      -- A row that changed since it was ranked is looked at again when it is locked, and is left out if it left the queue.
      CREATE OR REPLACE FUNCTION claim_jobs(for_environment text, max_jobs int, claimer text, lease_seconds double precision)
      RETURNS SETOF jobs LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $claim$
      BEGIN
        IF NOT EXISTS (
          SELECT 1 FROM jobs
          WHERE namespace = for_environment AND status = ${warmingUp.code} AND datefinished IS NULL
        ) THEN
          RETURN;
        END IF;
        PERFORM 1 FROM claim_locks WHERE environment = for_environment FOR UPDATE;
        IF NOT FOUND THEN
          INSERT INTO claim_locks (environment) VALUES (for_environment) ON CONFLICT DO NOTHING;
          PERFORM 1 FROM claim_locks WHERE environment = for_environment FOR UPDATE;
        END IF;
        RETURN QUERY
          WITH at_work AS (
            SELECT count(*) AS jobs FROM jobs
            WHERE namespace = for_environment AND status > ${warmingUp.code} AND datefinished IS NULL
          ), next AS (
            ${next}
          ), taken AS (
            SELECT workflowid FROM jobs
            WHERE workflowid IN (SELECT job_id FROM next) AND status = ${warmingUp.code} AND datefinished IS NULL
            FOR UPDATE SKIP LOCKED
          ), claimed AS (
            UPDATE jobs SET
              status = ${configuring.code}, statustext = '${configuring.text}', laststatusupdate = now(),
              epoch = epoch + 1, claimed_by = claimer,
              lease_expires_at = clock_timestamp() + make_interval(secs => lease_seconds)
            FROM taken WHERE jobs.workflowid = taken.workflowid
            RETURNING jobs.*
          ), noted AS (
            INSERT INTO job_events (job_id, what, by_whom, detail)
            SELECT workflowid, 'claimed', claimer, jsonb_build_object('epoch', epoch) FROM claimed
          )
          SELECT * FROM claimed;
      END
      $claim$;`
}
