import { STEPS } from '@c2d/contracts'
import type { Migration } from '@c2d/postgres'

/**
 * What a job needs beside its row: when its results are to go, which engine can be asked about it, how often a step
 * was tried, and the notifications that are owed about it (operator-engine-behaviour §8, §10).
 */
export const enginesRetriesOutbox: Migration = {
  name: '20260101000600_engines_retries_outbox',
  async up(db) {
    await db.raw(`
      ALTER TABLE jobs
        ADD COLUMN results_expire_at timestamptz,
        ADD COLUMN results_removed_at timestamptz;
      COMMENT ON COLUMN jobs.results_expire_at IS 'When results are to be removed; null keeps them for ever';
      COMMENT ON COLUMN jobs.results_removed_at IS 'When they were removed; outputsurl is an empty list from then on';
      CREATE INDEX jobs_results_to_expire ON jobs (results_expire_at)
        WHERE results_expire_at IS NOT NULL AND results_removed_at IS NULL;

      CREATE TABLE engines (
        instance text PRIMARY KEY,
        url text,
        seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      COMMENT ON TABLE engines IS 'Where each engine can be asked about the jobs it holds; null url is nowhere';

      CREATE TABLE step_attempts (
        job_id text NOT NULL,
        step text NOT NULL CHECK (step IN (${STEPS.map((step) => `'${step}'`).join(', ')})),
        attempts int NOT NULL,
        last_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_reason text,
        PRIMARY KEY (job_id, step)
      );
      COMMENT ON TABLE step_attempts IS 'How often each step was tried, and why the last time';

      CREATE TABLE notifications (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        job_id text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('start', 'stop')),
        url text NOT NULL,
        body jsonb NOT NULL,
        attempts int NOT NULL DEFAULT 0,
        next_at timestamptz DEFAULT clock_timestamp(),
        delivered_at timestamptz,
        last_error text,
        UNIQUE (job_id, kind)
      );
      COMMENT ON TABLE notifications IS 'Outbox of calls that tell an operator of a job''s start and end';
      COMMENT ON COLUMN notifications.next_at IS 'When to try (again); null is never: delivered, or given up';
      CREATE INDEX notifications_due ON notifications (next_at) WHERE next_at IS NOT NULL;
    `)
  },
  async down(db) {
    await db.raw(`
      DROP TABLE notifications;
      DROP TABLE step_attempts;
      DROP TABLE engines;
      ALTER TABLE jobs DROP COLUMN results_expire_at, DROP COLUMN results_removed_at;
    `)
  },
}
