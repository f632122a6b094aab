import type { Migration } from '@c2d/postgres'
import { ENGINE_ROLE, SERVICE_ROLE } from '../channel.ts'

/**
 * One signed proof a job. The engine writes it once, after the job ended, and never again: what was signed stays. The
 * service hands it out.
 */
export const proofs: Migration = {
  name: '20260101002000_proofs',
  async up(db) {
    await db.raw(`
      CREATE TABLE proofs (
        job_id text PRIMARY KEY,
        envelope jsonb NOT NULL,
        created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
      );
      COMMENT ON TABLE proofs IS 'What was signed of each finished job: a DSSE envelope';
      -- Finished rows of an adopted database are not written to: what some hold, no write may hold any more.
      ALTER TABLE jobs ADD COLUMN proof_due boolean NOT NULL DEFAULT false;
      ALTER TABLE jobs ALTER COLUMN proof_due SET DEFAULT true;
      COMMENT ON COLUMN jobs.proof_due IS 'Whether a proof is owed as soon as the job has ended; what ended before there were proofs has none';
      UPDATE jobs SET proof_due = true WHERE datefinished IS NULL;
      CREATE INDEX jobs_to_prove ON jobs (datefinished) WHERE datefinished IS NOT NULL AND proof_due;
      GRANT UPDATE (proof_due) ON jobs TO ${ENGINE_ROLE};
      GRANT SELECT, INSERT ON proofs TO ${ENGINE_ROLE};
      GRANT SELECT ON proofs TO ${SERVICE_ROLE};
    `)
  },
  async down(db) {
    await db.raw('ALTER TABLE jobs DROP COLUMN proof_due; DROP TABLE proofs')
  },
}
