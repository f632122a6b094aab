import type { Migration } from '@c2d/postgres'
import { ENGINE_ROLE, JOBS_CHANNEL, POD_ROLE, REPORT_MALFORMED, SERVICE_ROLE } from '../channel.ts'

const REPORT = 'report_publishing(text, text, jsonb)'
const MAX_REPORT_BYTES = 16 * 1024 * 1024
const MAX_KEYS = 100_000

/**
 * Keys of results that are kept encrypted (DESIGN §4.7), apart from the rows that consumers are shown, and what else a
 * publish pod says beside its list of outputs. A pod writes keys and reads none; operator-service reads them; an engine
 * forgets them, which ends what copies of the object may be left.
 */
export const resultKeys: Migration = {
  name: '20260101001000_result_keys',
  async up(db) {
    await db.raw(`
      CREATE TABLE result_keys (
        job_id text NOT NULL,
        object text NOT NULL CHECK (length(object) BETWEEN 1 AND 128),
        key bytea NOT NULL CHECK (octet_length(key) = 32),
        PRIMARY KEY (job_id, object)
      );
      COMMENT ON TABLE result_keys IS 'Keys of results that are kept encrypted; an object keeps the key it came with';
      GRANT SELECT ON result_keys TO ${SERVICE_ROLE};
      GRANT SELECT (job_id, object), DELETE ON result_keys TO ${ENGINE_ROLE};

      CREATE FUNCTION report_publishing(p_job_id text, p_token text, p_detail jsonb) RETURNS void
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER
      SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $report$
      DECLARE
        job jobs;
        v_keys jsonb := coalesce(p_detail -> 'keys', '[]');
        v_reason text := p_detail ->> 'reason';
        v_noted jsonb;
      BEGIN
        job := lock_reported_job(p_job_id, 'publish', p_token);
        IF jsonb_typeof(p_detail) IS DISTINCT FROM 'object' OR octet_length(p_detail::text) > ${MAX_REPORT_BYTES}
          OR jsonb_typeof(v_keys) <> 'array' OR v_reason <> 'OutputRefused' THEN
          RAISE EXCEPTION 'the publishing report is malformed or too large' USING ERRCODE = '${REPORT_MALFORMED}';
        END IF;
        IF EXISTS (
          SELECT 1 FROM jsonb_array_elements(v_keys) AS entry
          WHERE jsonb_typeof(entry) <> 'object'
            OR (entry ->> 'object') IS NULL OR length(entry ->> 'object') NOT BETWEEN 1 AND 128
            OR (entry ->> 'key') IS NULL OR (entry ->> 'key') !~ '^[0-9a-f]{64}$'
        ) THEN
          RAISE EXCEPTION 'a key of the outputs is malformed' USING ERRCODE = '${REPORT_MALFORMED}';
        END IF;
        INSERT INTO result_keys (job_id, object, key)
        SELECT p_job_id, entry ->> 'object', decode(entry ->> 'key', 'hex') FROM jsonb_array_elements(v_keys) AS entry
        ON CONFLICT DO NOTHING;
        IF (SELECT count(*) FROM result_keys WHERE job_id = p_job_id) > ${MAX_KEYS} OR EXISTS (
          SELECT 1 FROM jsonb_array_elements(v_keys) AS entry
          JOIN result_keys ON job_id = p_job_id AND object = entry ->> 'object'
          WHERE key <> decode(entry ->> 'key', 'hex')
        ) THEN
          RAISE EXCEPTION 'too many keys, or another key of an object' USING ERRCODE = '${REPORT_MALFORMED}';
        END IF;
        IF v_reason IS NULL THEN
          RETURN;
        END IF;
        v_noted := jsonb_strip_nulls(
          jsonb_build_object('reason', v_reason, 'message', left(p_detail ->> 'message', 1000)));
        IF EXISTS (SELECT 1 FROM job_events
                   WHERE job_id = p_job_id AND what = 'outputsRefused' AND detail = v_noted) THEN
          RETURN; -- a pod that lost the answer says the same again
        END IF;
        UPDATE jobs SET reason = coalesce(reason, v_reason) WHERE workflowid = p_job_id AND datefinished IS NULL;
        INSERT INTO job_events (job_id, what, by_whom, detail)
        SELECT p_job_id, 'outputsRefused', 'pod-publishing', v_noted
        WHERE (SELECT count(*) FROM job_events WHERE job_id = p_job_id AND what = 'outputsRefused') < 10;
        PERFORM pg_notify('${JOBS_CHANNEL}', '');
      END
      $report$;

      -- By default everybody may make temporary tables, and so fill the server's disk.
      DO $temporary$ BEGIN
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
      END $temporary$;

      REVOKE ALL ON FUNCTION ${REPORT} FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION ${REPORT} TO ${POD_ROLE};
    `)
  },
  async down(db) {
    await db.raw(`
      DROP FUNCTION ${REPORT};
      DROP TABLE result_keys;
      DO $temporary$ BEGIN
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
      END $temporary$;
    `)
  },
}
