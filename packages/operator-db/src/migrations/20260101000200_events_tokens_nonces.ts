import { STEPS } from '@c2d/contracts'
import { createNonceTables, dropNonceTables, type Migration } from '@c2d/postgres'

/** A timeline per job, the tokens pods report with, and the nonces that callers have spent. */
export const eventsTokensNonces: Migration = {
  name: '20260101000200_events_tokens_nonces',
  async up(db) {
    await db.raw(`
      CREATE TABLE job_events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        job_id text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        what text NOT NULL,
        by_whom text NOT NULL,
        detail jsonb
      );
      COMMENT ON TABLE job_events IS 'The timeline of each job: one line a change';
      CREATE INDEX job_events_by_job ON job_events (job_id, id);

      CREATE TABLE step_tokens (
        job_id text NOT NULL,
        step text NOT NULL CHECK (step IN (${STEPS.map((step) => `'${step}'`).join(', ')})),
        token_sha256 text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        ended_at timestamptz,
        PRIMARY KEY (job_id, step)
      );
      COMMENT ON TABLE step_tokens IS 'What the pod of a step proves itself with; a newer token of the step replaces the older';

      INSERT INTO job_events (job_id, what, by_whom)
      SELECT workflowid, 'abandoned', 'migration' FROM jobs WHERE reason IS NOT NULL;
    `)
    await createNonceTables(db)
  },
  async down(db) {
    await dropNonceTables(db)
    await db.raw('DROP TABLE step_tokens; DROP TABLE job_events;')
  },
}
