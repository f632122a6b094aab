import { JOB_STATUS } from '@c2d/contracts'
import type { Migration } from '@c2d/postgres'
import { JOBS_CHANNEL, POD_ROLE, REPORT_MALFORMED, REPORT_OUT_OF_TURN, TOKEN_REFUSED } from '../channel.ts'

const { configuring, provisioned, inputFailed, algorithmFailed } = JOB_STATUS
const MAX_REPORT_BYTES = 16 * 1024 * 1024
const MAX_PROGRESS_BYTES = 4 * 1024
const MAX_PROGRESS_EVENTS = 1_000

/** What every report function says of itself: runs with its owner's rights, on a path that a caller cannot bend. */
const DEFINER = `LANGUAGE plpgsql VOLATILE SECURITY DEFINER
        SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'`

const FUNCTIONS = [
  'report_provisioning(text, text, int, jsonb)',
  'report_outputs(text, text, jsonb)',
  'report_progress(text, text, jsonb)',
]

/**
 * How pods report (DESIGN §4.6): a role that may call three functions and read nothing. Each function locks the job's
 * row and only then looks at the token, on a fresh snapshot, so an ended token never slips through.
 */
export const podReports: Migration = {
  name: '20260101000400_pod_reports',
  async up(db) {
    // Roles belong to the whole server: two databases may be migrated at once, and one role serves both.
    await db.raw(`
      DO $role$
      BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '${POD_ROLE}') THEN
          CREATE ROLE ${POD_ROLE} LOGIN NOINHERIT CONNECTION LIMIT 100;
          ALTER ROLE ${POD_ROLE} SET statement_timeout = '10s';
          ALTER ROLE ${POD_ROLE} SET idle_in_transaction_session_timeout = '10s';
          ALTER ROLE ${POD_ROLE} SET timezone = 'UTC';
        END IF;
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- the other migration made it
      END
      $role$;

      -- Before PostgreSQL 15 everybody may create objects in public, and so stand in front of ours.
      DO $schema$
      BEGIN
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
      EXCEPTION WHEN insufficient_privilege THEN
        NULL; -- the schema belongs to the server's administrator, whose choice it then is
      END
      $schema$;

      CREATE FUNCTION has_live_token(of_job text, of_step text, token text) RETURNS boolean
      LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $live$
        SELECT EXISTS (
          SELECT 1 FROM step_tokens
          JOIN jobs ON jobs.workflowid = step_tokens.job_id AND jobs.datefinished IS NULL
          WHERE job_id = of_job AND step = of_step AND ended_at IS NULL
            AND token_sha256 = encode(sha256(convert_to(token, 'UTF8')), 'hex'))
      $live$;

      -- The job's row, locked, if the token lives. It is looked at twice: first so that a stranger locks nothing.
      CREATE FUNCTION lock_reported_job(of_job text, of_step text, token text) RETURNS jobs
      LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $lock$
      DECLARE
        job jobs;
      BEGIN
        IF has_live_token(of_job, of_step, token) THEN
          SELECT * INTO job FROM jobs WHERE workflowid = of_job AND datefinished IS NULL FOR UPDATE;
          IF has_live_token(of_job, of_step, token) THEN
            RETURN job;
          END IF;
        END IF;
        RAISE EXCEPTION 'the step token is not valid for this report' USING ERRCODE = '${TOKEN_REFUSED}';
      END
      $lock$;

      CREATE FUNCTION report_provisioning(p_job_id text, p_token text, p_status int, p_detail jsonb) RETURNS void
      ${DEFINER} AS $report$
      DECLARE
        job jobs;
        v_text text := CASE p_status
          WHEN ${provisioned.code} THEN '${provisioned.text}'
          WHEN ${inputFailed.code} THEN '${inputFailed.text}'
          WHEN ${algorithmFailed.code} THEN '${algorithmFailed.text}' END;
        v_what text := CASE p_status
          WHEN ${provisioned.code} THEN 'provisioned'
          WHEN ${inputFailed.code} THEN 'inputFailed'
          WHEN ${algorithmFailed.code} THEN 'algorithmFailed' END;
        v_reason text := CASE WHEN p_status <> ${provisioned.code} THEN p_detail ->> 'reason' END;
        v_noted jsonb;
        v_staging jsonb;
      BEGIN
        job := lock_reported_job(p_job_id, 'configure', p_token);
        IF v_text IS NULL OR jsonb_typeof(p_detail) IS DISTINCT FROM 'object' OR length(v_reason) > 64
          OR octet_length(p_detail::text) > ${MAX_REPORT_BYTES} THEN
          RAISE EXCEPTION 'the provisioning report is malformed or too large' USING ERRCODE = '${REPORT_MALFORMED}';
        END IF;
        v_noted := jsonb_strip_nulls(
          jsonb_build_object('reason', v_reason, 'message', left(p_detail ->> 'message', 1000)));
        v_staging := p_detail - 'reason' - 'message';
        IF job.status <> ${configuring.code} THEN
          -- A pod that lost the answer says the same again: that is no news, and no error.
          IF job.staging = v_staging AND EXISTS (
            SELECT 1 FROM job_events WHERE job_id = p_job_id AND what = v_what AND detail = v_noted
          ) THEN
            RETURN;
          END IF;
          RAISE EXCEPTION 'the job is not being configured' USING ERRCODE = '${REPORT_OUT_OF_TURN}';
        END IF;
        UPDATE jobs SET status = p_status, statustext = v_text, laststatusupdate = now(),
          reason = coalesce(v_reason, reason), staging = v_staging
        WHERE workflowid = p_job_id AND datefinished IS NULL;
        INSERT INTO job_events (job_id, what, by_whom, detail)
        VALUES (p_job_id, v_what, 'pod-configuration', v_noted);
        PERFORM pg_notify('${JOBS_CHANNEL}', '');
      END
      $report$;

      CREATE FUNCTION report_outputs(p_job_id text, p_token text, p_outputs jsonb) RETURNS void
      ${DEFINER} AS $report$
      DECLARE
        job jobs;
      BEGIN
        job := lock_reported_job(p_job_id, 'publish', p_token);
        IF jsonb_typeof(p_outputs) IS DISTINCT FROM 'array' OR octet_length(p_outputs::text) > ${MAX_REPORT_BYTES} THEN
          RAISE EXCEPTION 'the outputs are malformed or too large' USING ERRCODE = '${REPORT_MALFORMED}';
        END IF;
        IF EXISTS (
          SELECT 1 FROM jsonb_array_elements(p_outputs) AS entry
          WHERE jsonb_typeof(entry) <> 'object'
            OR jsonb_typeof(entry -> 'filename') IS DISTINCT FROM 'string'
            OR jsonb_typeof(entry -> 'filesize') IS DISTINCT FROM 'number'
            OR jsonb_typeof(entry -> 'url') IS DISTINCT FROM 'string'
            OR jsonb_typeof(entry -> 'type') IS DISTINCT FROM 'string'
        ) THEN
          RAISE EXCEPTION 'an entry of the outputs is malformed' USING ERRCODE = '${REPORT_MALFORMED}';
        END IF;
        IF job.outputsurl = p_outputs::text THEN
          RETURN;
        END IF;
        UPDATE jobs SET outputsurl = p_outputs::text WHERE workflowid = p_job_id AND datefinished IS NULL;
        INSERT INTO job_events (job_id, what, by_whom, detail)
        VALUES (p_job_id, 'outputs', 'pod-publishing', jsonb_build_object('count', jsonb_array_length(p_outputs)));
        PERFORM pg_notify('${JOBS_CHANNEL}', '');
      END
      $report$;

      CREATE FUNCTION report_progress(p_job_id text, p_token text, p_detail jsonb) RETURNS void
      ${DEFINER} AS $report$
      DECLARE
        job jobs;
        v_step text;
      BEGIN
        SELECT step INTO v_step FROM step_tokens WHERE job_id = p_job_id AND has_live_token(p_job_id, step, p_token);
        job := lock_reported_job(p_job_id, v_step, p_token);
        IF jsonb_typeof(p_detail) IS DISTINCT FROM 'object' OR octet_length(p_detail::text) > ${MAX_PROGRESS_BYTES} THEN
          RAISE EXCEPTION 'the progress report is malformed or too large' USING ERRCODE = '${REPORT_MALFORMED}';
        END IF;
        -- Progress beyond the bound is dropped: it must not fill the table, and is no reason to fail a step.
        INSERT INTO job_events (job_id, what, by_whom, detail)
        SELECT p_job_id, 'progress', v_step, p_detail
        WHERE (SELECT count(*) FROM job_events WHERE job_id = p_job_id AND what = 'progress') < ${MAX_PROGRESS_EVENTS};
      END
      $report$;

      REVOKE ALL ON FUNCTION has_live_token(text, text, text), lock_reported_job(text, text, text) FROM PUBLIC;
      REVOKE ALL ON FUNCTION ${FUNCTIONS.join(', ')} FROM PUBLIC;
      GRANT USAGE ON SCHEMA public TO ${POD_ROLE};
      GRANT EXECUTE ON FUNCTION ${FUNCTIONS.join(', ')} TO ${POD_ROLE};
    `)
  },
  // The role stays: another database of the same server may use it.
  async down(db) {
    await db.raw(`
      REVOKE USAGE ON SCHEMA public FROM ${POD_ROLE};
      DROP FUNCTION ${FUNCTIONS.join(', ')};
      DROP FUNCTION lock_reported_job(text, text, text);
      DROP FUNCTION has_live_token(text, text, text);
    `)
  },
}
