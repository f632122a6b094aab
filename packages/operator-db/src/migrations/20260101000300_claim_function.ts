import { JOB_STATUS } from '@c2d/contracts'
import type { Migration } from '@c2d/postgres'

const { warmingUp, configuring } = JOB_STATUS

/**
 * `claim_jobs`: one call claims. A function, because the environment's slots must be counted on a snapshot that is
 * taken *after* the environment was locked: within one plain statement a claim that waited, or tried, would count
 * with the snapshot it began with, miss what the other engine just claimed, and overfill the environment. A row is
 * locked, not an advisory key, since any role may take advisory locks and starve the engines.
 */
export const claimFunction: Migration = {
  name: '20260101000300_claim_function',
  async up(db) {
    await db.raw(`
      CREATE TABLE claim_locks (environment text PRIMARY KEY);
      COMMENT ON TABLE claim_locks IS 'The row of an environment is locked while jobs of it are claimed';

      CREATE FUNCTION claim_jobs(for_environment text, max_jobs int, claimer text, lease_seconds double precision)
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
          ), oldest AS (
            SELECT workflowid FROM jobs
            WHERE namespace = for_environment AND status = ${warmingUp.code} AND datefinished IS NULL
            ORDER BY datecreated
            LIMIT (SELECT greatest(0, max_jobs - at_work.jobs) FROM at_work)
            FOR UPDATE SKIP LOCKED
          ), claimed AS (
            UPDATE jobs SET
              status = ${configuring.code}, statustext = '${configuring.text}', laststatusupdate = now(),
              epoch = epoch + 1, claimed_by = claimer,
              lease_expires_at = clock_timestamp() + make_interval(secs => lease_seconds)
            FROM oldest WHERE jobs.workflowid = oldest.workflowid
            RETURNING jobs.*
          ), noted AS (
            INSERT INTO job_events (job_id, what, by_whom, detail)
            SELECT workflowid, 'claimed', claimer, jsonb_build_object('epoch', epoch) FROM claimed
          )
          SELECT * FROM claimed;
      END
      $claim$;
      REVOKE ALL ON FUNCTION claim_jobs(text, int, text, double precision) FROM PUBLIC;
    `)
  },
  async down(db) {
    await db.raw('DROP FUNCTION claim_jobs(text, int, text, double precision); DROP TABLE claim_locks;')
  },
}
