import { JOB_STATUS, type Reason } from '@c2d/contracts'
import type { Migration } from '@c2d/postgres'
import { ALL_STATUSES, statusCodes } from '../status-codes.ts'

const QUEUED = JOB_STATUS.warmingUp.code
const ABANDONED: Reason = 'Abandoned'

/**
 * What claiming, fencing and idempotent starts need beside the original columns (DESIGN §4.11), and the adoption of
 * old rows (DESIGN §4.17): unfinished jobs beyond the queue are ended and never run again, duplicates are marked and kept.
 */
export const claimsAndLeases: Migration = {
  name: '20260101000100_claims_and_leases',
  async up(db) {
    await db.raw(`
      ALTER TABLE jobs
        ADD COLUMN epoch int NOT NULL DEFAULT 0,
        ADD COLUMN claimed_by text,
        ADD COLUMN lease_expires_at timestamptz,
        ADD COLUMN reason text,
        ADD COLUMN exit_code int,
        ADD COLUMN request_key text,
        ADD COLUMN valid_until bigint,
        ADD COLUMN staging jsonb,
        ADD COLUMN adopted_duplicate boolean NOT NULL DEFAULT false;
      COMMENT ON COLUMN jobs.epoch IS 'Raised by every claim and adoption; part of every engine write, so a stale engine changes nothing';
      COMMENT ON COLUMN jobs.request_key IS 'SHA-256 of the signed start request: the same request again is the same job';
      COMMENT ON COLUMN jobs.valid_until IS 'Epoch seconds until which the run is paid for';
      COMMENT ON COLUMN jobs.adopted_duplicate IS 'An adopted row whose agreement or job id another adopted row has too';

      UPDATE jobs SET reason = '${ABANDONED}', datefinished = now(), laststatusupdate = now()
      WHERE datefinished IS NULL AND status > ${QUEUED} AND status < ${JOB_STATUS.finished.code};
      UPDATE jobs SET datefinished = laststatusupdate
      WHERE datefinished IS NULL AND status = ${JOB_STATUS.finished.code};

      UPDATE jobs SET adopted_duplicate = true
      FROM (
        SELECT ctid,
          row_number() OVER (PARTITION BY workflowid ORDER BY datecreated, ctid) AS nth_of_job,
          CASE WHEN datefinished IS NULL THEN row_number() OVER (
            PARTITION BY lower(regexp_replace(agreementid, '^0x', '', 'i')), datefinished IS NULL
            ORDER BY datecreated, ctid) END AS nth_of_agreement
        FROM jobs
      ) AS ranked
      WHERE jobs.ctid = ranked.ctid AND (ranked.nth_of_job > 1 OR ranked.nth_of_agreement > 1);

      CREATE INDEX jobs_by_id ON jobs (workflowid);
      CREATE UNIQUE INDEX jobs_one_row_per_id ON jobs (workflowid) WHERE NOT adopted_duplicate;
      CREATE UNIQUE INDEX jobs_one_per_request ON jobs (request_key);
      -- Without 0x and casing: two spellings of one order transaction are one agreement.
      CREATE UNIQUE INDEX jobs_one_unfinished_per_agreement
        ON jobs (lower(regexp_replace(agreementid, '^0x', '', 'i')))
        WHERE datefinished IS NULL AND NOT adopted_duplicate;
      CREATE INDEX jobs_by_agreement ON jobs (lower(regexp_replace(agreementid, '^0x', '', 'i')));
      CREATE INDEX jobs_by_owner ON jobs (lower(owner), datecreated DESC);
      CREATE INDEX jobs_to_claim ON jobs (namespace, datecreated) WHERE status = ${QUEUED} AND datefinished IS NULL;
      CREATE INDEX jobs_at_work ON jobs (namespace) WHERE status > ${QUEUED} AND datefinished IS NULL;
      CREATE INDEX jobs_by_claimer ON jobs (claimed_by) WHERE datefinished IS NULL AND claimed_by IS NOT NULL;

      -- NOT VALID: old rows are adopted whatever they hold; every later write is checked.
      ALTER TABLE jobs
        ADD CONSTRAINT jobs_status_is_known CHECK (status IN (${statusCodes(ALL_STATUSES).join(', ')})) NOT VALID,
        ADD CONSTRAINT jobs_stopreq_is_known CHECK (stopreq BETWEEN 0 AND 2) NOT VALID;
    `)
  },
  async down(db) {
    await db.raw(`
      ALTER TABLE jobs
        DROP CONSTRAINT jobs_status_is_known,
        DROP CONSTRAINT jobs_stopreq_is_known;
      DROP INDEX jobs_by_id, jobs_one_row_per_id, jobs_one_per_request, jobs_one_unfinished_per_agreement,
        jobs_by_agreement, jobs_by_owner, jobs_to_claim, jobs_at_work, jobs_by_claimer;
      ALTER TABLE jobs
        DROP COLUMN epoch, DROP COLUMN claimed_by, DROP COLUMN lease_expires_at, DROP COLUMN reason,
        DROP COLUMN exit_code, DROP COLUMN request_key, DROP COLUMN valid_until, DROP COLUMN staging,
        DROP COLUMN adopted_duplicate;
    `)
  },
}
